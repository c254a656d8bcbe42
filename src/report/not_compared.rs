//! Stored secrets that a plan could not compare: it must not look as if everything
//! were as the files say.

use std::fmt::Write as _;

use super::text::{BOLD, CHANGE, paint};
use crate::manifest::Name;
use crate::plan::{Note, Plan};
use crate::text::count;

/// The stored secrets of one integration that were not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCompared {
    /// Its name.
    pub integration: Name,
    /// Their attributes.
    pub paths: Vec<String>,
}

/// All of a plan, by the name of their integration.
#[must_use]
pub fn secrets_not_compared(plan: &Plan) -> Vec<NotCompared> {
    let mut all = Vec::new();
    for action in &plan.actions {
        for note in &action.notes {
            if let Note::SecretsNotCompared(paths) = note {
                all.push(NotCompared {
                    integration: action.name.clone(),
                    paths: paths.clone(),
                });
            }
        }
    }
    all
}

/// Number of secrets that were not compared, such as `3 secrets of 2 integrations not
/// compared`; nothing if all were compared.
#[must_use]
pub fn line(not_compared: &[NotCompared]) -> Option<String> {
    let secrets: usize = not_compared.iter().map(|one| one.paths.len()).sum();
    let (secrets, whose) = (
        count(secrets, "secret"),
        count(not_compared.len(), "integration"),
    );
    (!not_compared.is_empty()).then(|| format!("{secrets} of {whose} not compared"))
}

/// The lines of a plan about them.
pub(super) fn tell(out: &mut String, not_compared: &[NotCompared]) {
    let Some(what) = line(not_compared) else {
        return;
    };
    let (name, all) = match not_compared {
        [one] => (one.integration.as_str(), ""),
        _ => ("NAME", " (`'*'` for all)"),
    };
    let what = format!("{what}: the server never returns them.");
    let _ = writeln!(out, "{}", paint(CHANGE, what));
    let _ = writeln!(
        out,
        "{} send them with `integrationd sync --resend-secrets {name}`{all}; or, if the server has them, record that with `integrationd adopt {name} --secrets assume`",
        paint(BOLD, " help:")
    );
}
