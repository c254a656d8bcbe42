//! Selection of the rows, from the query of the page. Every row is in the page; rows that do
//! not match are hidden, so that `page.js` can filter without a request.

use url::form_urlencoded;

use crate::daemon::view::{Row, State};
use crate::platform::AttributePath;
use crate::reason::Reason;

/// A choice of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::daemon::http) struct Filter {
    /// Words, all of which must occur somewhere in the row.
    pub(super) words: String,
    /// The state.
    pub(super) state: Option<State>,
    /// The title of the platform.
    pub(super) platform: String,
    /// Only what has drifted.
    pub(super) drifted: bool,
}

impl Filter {
    /// Reads a query. What it does not know chooses nothing.
    pub(in crate::daemon::http) fn of(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "q" => filter.words = value.trim().to_owned(),
                "state" => filter.state = State::ALL.into_iter().find(|s| s.word() == value),
                "platform" => filter.platform = value.into_owned(),
                "drifted" => filter.drifted = !value.is_empty(),
                _ => {}
            }
        }
        filter
    }

    /// True if it selects anything.
    pub(super) fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// True if a row matches.
    pub(super) fn shows(&self, row: &Row) -> bool {
        let Self {
            words,
            state,
            platform,
            drifted,
        } = self;
        state.is_none_or(|state| state == row.state)
            && (platform.is_empty() || platform == title(row))
            && (!drifted || !row.drift.is_empty())
            && has_words(row, words)
    }
}

/// The title of a row's platform.
pub(super) fn title(row: &Row) -> &'static str {
    row.platform.map_or("unknown", |platform| platform.title)
}

fn has_words(row: &Row, words: &str) -> bool {
    if words.is_empty() {
        return true;
    }
    let place = row.file.as_deref().unwrap_or_default();
    let reason = row.reason.map_or("", Reason::as_str);
    let mut text = String::new();
    let plain = [
        row.name.as_str(),
        title(row),
        place,
        row.state.word(),
        reason,
        row.id.as_deref().unwrap_or_default(),
        row.revision.as_deref().unwrap_or_default(),
    ];
    let tests = row.failing_tests.iter();
    let tests = tests.flat_map(|test| [test.name.as_str(), test.message.as_str()]);
    let about = row.about.iter().map(String::as_str);
    let drift = row.drift.iter().map(AttributePath::as_str);
    for part in plain.into_iter().chain(about).chain(drift).chain(tests) {
        text.push_str(part);
        text.push('\n');
    }
    let text = text.to_lowercase();
    let words = words.to_lowercase();
    words.split_whitespace().all(|word| text.contains(word))
}
