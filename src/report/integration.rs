//! Everything about one integration, as a document.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::daemon_entry::DaemonEntry;
use super::document::Document;
use super::exit::Exit;
use super::next_step::{NextStep, next_step};
use super::style::{ADD, BAD, BOLD, paint};
use super::text;
use crate::diagnostic::{self, Diagnostic};
use crate::ledger::history::Deleted;
use crate::live::{FailingTest, IntegrationStatus, RemoteId};
use crate::manifest::Suspend;
use crate::plan::{Block, Change, ChangedBy, Note, Operation};
use crate::platform::{AttributePath, Platform};
use crate::reason::Reason;
use crate::session::explain::{Description, ExplainedIntegration, PastAction};
use crate::source::git::Revision;
use crate::text::escaped;

/// The document of `explain` for an integration.
#[derive(Serialize)]
pub struct IntegrationDocument<'a> {
    tenant: Option<&'a str>,
    name: &'a str,
    #[serde(rename = "type")]
    platform: Option<&'static Platform>,
    described: Option<DescribedEntry<'a>>,
    live: Option<LiveEntry<'a>>,
    recorded: Option<RecordedEntry<'a>>,
    last_applied: Option<PastEntry<'a>>,
    differences: Vec<DifferenceEntry<'a>>,
    ignored: Vec<IgnoredEntry<'a>>,
    suspended: Option<&'a Suspend>,
    withheld: Option<&'static str>,
    blocked: Option<BlockedEntry>,
    backing_off_until: Option<Timestamp>,
    /// The state that the running daemon reports.
    pub daemon: Option<DaemonEntry>,
    notes: &'a [Note],
    history: Vec<PastEntry<'a>>,
    deleted: Option<&'a Deleted>,
    unreadable: &'a [String],
    next: NextStep,
    exit_code: Exit,
    #[serde(skip)]
    explained: &'a ExplainedIntegration,
}

#[derive(Serialize)]
struct DescribedEntry<'a> {
    file: &'a str,
    line: usize,
    revision: Option<&'a Revision>,
    valid: bool,
    protect: bool,
    diagnostics: &'a [Diagnostic],
}

#[derive(Serialize)]
struct LiveEntry<'a> {
    id: &'a RemoteId,
    #[serde(rename = "type")]
    type_name: &'a str,
    status: &'a IntegrationStatus,
    #[serde(rename = "autoBootstrap")]
    auto_bootstrap: Option<bool>,
    connection: Option<&'a str>,
    failing_tests: &'a [FailingTest],
}

#[derive(Serialize)]
struct RecordedEntry<'a> {
    id: &'a RemoteId,
    at: Timestamp,
    owned: bool,
    revision: Option<&'a str>,
}

#[derive(Serialize)]
struct PastEntry<'a> {
    at: Timestamp,
    action: &'a str,
    id: Option<&'a RemoteId>,
    succeeded: bool,
    what: &'a str,
    source: &'a str,
    revision: Option<&'a str>,
}

#[derive(Serialize)]
struct DifferenceEntry<'a> {
    #[serde(flatten)]
    change: &'a Change,
    changed_by: ChangedBy,
}

#[derive(Serialize)]
struct IgnoredEntry<'a> {
    path: &'a AttributePath,
    reason: &'a str,
}

#[derive(Serialize)]
struct BlockedEntry {
    code: Reason,
    reason: String,
    help: String,
}

impl<'a> IntegrationDocument<'a> {
    /// Of everything that is known about an integration.
    #[must_use]
    pub fn new(explained: &'a ExplainedIntegration) -> Self {
        let description = explained.description.as_ref();
        let ignore = description.map_or(&[][..], |it| it.ignore.as_slice());
        let changes = explained.changes.iter();
        Self {
            tenant: explained.tenant.as_deref(),
            name: &explained.name,
            platform: explained.platform,
            described: description.map(DescribedEntry::from),
            live: live(explained),
            recorded: explained.record.as_ref().map(|record| RecordedEntry {
                id: &record.id,
                at: record.at,
                owned: record.state.owned,
                revision: record.state.revision.as_deref(),
            }),
            last_applied: explained.last_applied.as_ref().map(PastEntry::from),
            differences: changes
                .map(|it| DifferenceEntry {
                    change: &it.change,
                    changed_by: it.by,
                })
                .collect(),
            ignored: ignore
                .iter()
                .map(|it| IgnoredEntry {
                    path: &it.path,
                    reason: &it.reason,
                })
                .collect(),
            suspended: explained.suspend.as_ref(),
            withheld: withheld(explained),
            blocked: block(explained).map(|block| BlockedEntry {
                code: block.reason(),
                reason: block.to_string(),
                help: match &explained.failure {
                    Some(unread) if block.reason() == Reason::UnknownScope => {
                        unread.help().to_owned()
                    }
                    Some(_) | None => block.help(),
                },
            }),
            backing_off_until: explained.backing_off,
            daemon: None,
            notes: explained.action.as_ref().map_or(&[][..], |it| &it.notes),
            history: explained.history.iter().map(PastEntry::from).collect(),
            deleted: explained.deleted.as_ref(),
            unreadable: &explained.unreadable,
            next: next_step(explained),
            exit_code: exit_code(explained),
            explained,
        }
    }
}

impl<'a> From<&'a Description> for DescribedEntry<'a> {
    fn from(description: &'a Description) -> Self {
        Self {
            file: &description.origin.file,
            line: description.origin.line,
            revision: description.revision.as_ref(),
            valid: description.is_valid,
            protect: description.protect,
            diagnostics: &description.diagnostics,
        }
    }
}

impl<'a> From<&'a PastAction> for PastEntry<'a> {
    fn from(past: &'a PastAction) -> Self {
        let action = &past.action;
        Self {
            at: action.at,
            action: &action.verb,
            id: action.id.as_ref(),
            succeeded: action.succeeded,
            what: &action.what,
            source: &past.source,
            revision: past.revision.as_deref(),
        }
    }
}

/// The exit code: 0 only if the tenant could be read.
#[must_use]
pub fn exit_code(explained: &ExplainedIntegration) -> Exit {
    match explained.failure {
        None => Exit::Success,
        Some(_) => Exit::Failed,
    }
}

/// The live integration. The messages of its tests are in the notes, as far as they may be shown.
fn live(explained: &ExplainedIntegration) -> Option<LiveEntry<'_>> {
    let live = explained.live.as_ref()?;
    let notes = explained.action.as_ref().map(|action| action.notes());
    Some(LiveEntry {
        id: &live.id,
        type_name: &live.type_name,
        status: &live.status,
        auto_bootstrap: live.auto_bootstrap,
        connection: explained.connection.as_deref(),
        failing_tests: notes.map_or(&[][..], |notes| notes.failing_tests),
    })
}

/// The policy that keeps a change back.
fn withheld(explained: &ExplainedIntegration) -> Option<&'static str> {
    match &explained.action {
        Some(action) => {
            let mut kind = &action.kind;
            if let Operation::Suspended { would, .. } = kind {
                kind = would;
            }
            match kind {
                Operation::Withheld { policy, .. } => Some(policy.as_str()),
                Operation::Unchanged { .. }
                | Operation::Create(_)
                | Operation::Update { .. }
                | Operation::Delete(_)
                | Operation::Replace { .. }
                | Operation::Suspended { .. }
                | Operation::Blocked(_) => None,
            }
        }
        None => {
            let unmanaged = explained.unmanaged.as_ref()?;
            let is_kept = unmanaged.owned && unmanaged.connection.is_none();
            is_kept.then(|| explained.policy.as_str())
        }
    }
}

fn block(explained: &ExplainedIntegration) -> Option<&Block> {
    explained.action.as_ref()?.kind.without_limits().block()
}

impl Document for IntegrationDocument<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        let title = match (self.platform, &self.live, self.deleted) {
            (Some(platform), _, _) => platform.title,
            (None, Some(live), _) => live.type_name,
            (None, None, Some(deleted)) => deleted.type_name.as_str(),
            (None, None, None) => "unknown platform",
        };
        let name = escaped(self.name);
        let _ = writeln!(out, "{} ({})\n", paint(BOLD, name), escaped(title));
        self.facts(&mut out);
        self.obstacles(&mut out);
        self.differences(&mut out);
        self.past(&mut out);
        let _ = writeln!(out, "\n{} {}", paint(BOLD, "Next:"), self.next.sentence);
        out
    }
}

/// Width of the labels.
const LABEL: usize = 15;

/// A line with a label. The value is escaped.
fn line(out: &mut String, label: &str, value: &str) {
    let _ = writeln!(out, "{label:LABEL$}{}", escaped(value));
}

/// Lines of a plan, with the indentation of this document.
fn push_outdented(out: &mut String, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(out, "{}", line.strip_prefix("    ").unwrap_or(line));
    }
}

pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

impl IntegrationDocument<'_> {
    /// The file, the live integration and the record.
    fn facts(&self, out: &mut String) {
        match &self.described {
            Some(described) => {
                let place = format!("{}:{}", described.file, described.line);
                line(out, "Described by:", &place);
                if let Some(revision) = &described.revision {
                    let Revision {
                        id,
                        author,
                        subject,
                        ..
                    } = revision;
                    line(out, "Revision:", &format!("{id} by {author}: {subject}"));
                }
                if described.protect {
                    line(out, "Protected:", "`sync.protect` forbids the deletion");
                }
            }
            None => line(out, "Described by:", "no file"),
        }
        line(out, "Live:", &self.live_line());
        if let Some(deleted) = self.deleted {
            line(out, "Deleted:", &self.deleted_line(deleted));
            if self.live.is_none() {
                return;
            }
        }
        match (&self.last_applied, &self.recorded) {
            (Some(past), _) => line(out, "Last applied:", &applied_line(past)),
            (None, Some(recorded)) => {
                let at = time(recorded.at);
                let text = format!("unknown; adopted or found in sync at {at}");
                line(out, "Last applied:", &text);
            }
            (None, None) if self.tenant.is_none() => line(
                out,
                "Last applied:",
                "unknown: each tenant has its own ledger",
            ),
            (None, None) => line(out, "Last applied:", "never"),
        }
    }

    /// The time of a deletion, and the run that made it, as far as the history has it.
    fn deleted_line(&self, deleted: &Deleted) -> String {
        let text = format!("{} (id {})", time(deleted.at), deleted.id);
        match &self.explained.deleted_by {
            None => text,
            Some(past) => format!("{text} by a run from {}", origin_of(&PastEntry::from(past))),
        }
    }

    fn live_line(&self) -> String {
        let Some(live) = &self.live else {
            return if self.explained.is_uncertain() {
                format!("unknown: {}", self.unreadable.join("; "))
            } else if self.blocked.is_some() {
                "not known with certainty".to_owned()
            } else {
                "no integration".to_owned()
            };
        };
        let set_up = match live.auto_bootstrap {
            Some(true) => ", automatic set-up",
            Some(false) => ", manual set-up",
            None => "",
        };
        let connection = live
            .connection
            .map(|key| format!(", belongs to connection {key}"));
        format!(
            "id {}, status `{}`{set_up}{}",
            live.id,
            live.status,
            connection.unwrap_or_default()
        )
    }

    /// Everything that keeps a change back, and other notes.
    fn obstacles(&self, out: &mut String) {
        for IgnoredEntry { path, reason } in &self.ignored {
            line(out, "Ignored:", &format!("{path} ({reason})"));
        }
        if let Some(suspend) = self.suspended {
            line(out, "Suspended:", &suspend.to_string());
        }
        if let Some(policy) = self.withheld {
            line(out, "Withheld:", &format!("by the policy `{policy}`"));
        }
        if let Some(blocked) = &self.blocked {
            let BlockedEntry { code, reason, help } = blocked;
            line(out, "Blocked:", &format!("{reason} ({code})"));
            line(out, "Remedy:", help);
        }
        if let Some(until) = self.backing_off_until {
            let text = format!("a daemon repeats the rejected write at {}", time(until));
            line(out, "Backing off:", &text);
        }
        if let Some(daemon) = &self.daemon {
            line(out, "Daemon:", &daemon.line());
        }
        let mut notes = String::new();
        if let Some(action) = &self.explained.action {
            text::notes(&mut notes, action);
        }
        push_outdented(out, &notes);
        let described = self.described.as_ref();
        for diagnostic in described.map_or(&[][..], |it| it.diagnostics) {
            let _ = write!(out, "\n{}", diagnostic::render_one(diagnostic, true));
        }
    }

    fn differences(&self, out: &mut String) {
        if self.differences.is_empty() {
            return;
        }
        let title = paint(BOLD, "Differences");
        let _ = writeln!(out, "\n{title} (live value -> value in the file):");
        for difference in &self.differences {
            let by = match difference.changed_by {
                ChangedBy::File => "changed in the file",
                ChangedBy::Server => "changed on the server",
                ChangedBy::Both => "changed in the file and on the server",
                ChangedBy::Unknown => "cause unknown: the value was never applied",
            };
            let changes = std::slice::from_ref(difference.change);
            let mut shown = String::new();
            text::updated(&mut shown, changes, &|_| format!("  # {by}"));
            push_outdented(out, &shown);
        }
    }

    fn past(&self, out: &mut String) {
        if self.history.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", paint(BOLD, "History:"));
        for past in &self.history {
            let (sign, style) = if past.succeeded {
                ('✓', ADD)
            } else {
                ('✗', BAD)
            };
            let (at, sign) = (time(past.at), paint(style, sign));
            let (action, what) = (past.action, escaped(past.what));
            let _ = writeln!(out, "  {at} {sign} {action}: {what}");
        }
    }
}

fn applied_line(past: &PastEntry<'_>) -> String {
    format!(
        "{} ({} from {})",
        time(past.at),
        past.action,
        origin_of(past)
    )
}

/// The revision or directory of the files of a past run.
fn origin_of(past: &PastEntry<'_>) -> String {
    match past.revision {
        Some(revision) => format!("revision {revision}"),
        None => past.source.to_owned(),
    }
}
