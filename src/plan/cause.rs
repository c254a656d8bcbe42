//! The side that caused a difference, as far as it is known.

use serde::Serialize;

use super::change::{Change, ChangeKind, DisplayValue};
use crate::ledger::Applied;

/// The side that changed a value since the last apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangedBy {
    /// The file, or a secret that it names.
    File,
    /// The server.
    Server,
    /// Both.
    Both,
    /// Unknown: the value was never applied.
    Unknown,
}

/// The side that caused a difference, given the last applied values of the integration.
#[must_use]
pub fn changed_by(change: &Change, applied: Option<&Applied>) -> ChangedBy {
    match change.kind {
        ChangeKind::Drift => ChangedBy::Server,
        ChangeKind::Conflict => ChangedBy::Both,
        ChangeKind::Rotation => ChangedBy::File,
        ChangeKind::Resend => ChangedBy::Unknown,
        ChangeKind::Change => match applied {
            Some(applied) if is_new_in_file(change, applied) => ChangedBy::File,
            Some(_) | None => ChangedBy::Unknown,
        },
    }
}

/// True if the last applied values show that the file has changed: they have another value, or
/// others and not this one, which the file has now.
fn is_new_in_file(change: &Change, applied: &Applied) -> bool {
    let was_applied =
        applied.attributes.contains_key(&change.path) || applied.secrets.contains_key(&change.path);
    let is_added = !applied.attributes.is_empty() && change.after != DisplayValue::Absent;
    was_applied || is_added
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(kind: ChangeKind, path: &str, after: DisplayValue) -> Change {
        Change {
            path: path.into(),
            kind,
            before: DisplayValue::Plain(json!(1)),
            after,
            immutable: false,
            covered: None,
        }
    }

    #[test]
    fn cause_of_a_change_needs_the_last_applied_values() {
        let mut applied = Applied::default();
        let plain = || DisplayValue::Plain(json!(2));
        let of = |change: &Change, applied: &Applied| changed_by(change, Some(applied));
        let there = change(ChangeKind::Change, "port", plain());
        assert_eq!(changed_by(&there, None), ChangedBy::Unknown);
        assert_eq!(of(&there, &applied), ChangedBy::Unknown);
        applied.attributes.insert("host".into(), json!("h"));
        assert_eq!(of(&there, &applied), ChangedBy::File);
        let gone = change(ChangeKind::Change, "port", DisplayValue::Absent);
        assert_eq!(of(&gone, &applied), ChangedBy::Unknown);
        let removed = change(ChangeKind::Change, "host", DisplayValue::Absent);
        assert_eq!(of(&removed, &applied), ChangedBy::File);
        for (kind, cause) in [
            (ChangeKind::Drift, ChangedBy::Server),
            (ChangeKind::Conflict, ChangedBy::Both),
            (ChangeKind::Rotation, ChangedBy::File),
            (ChangeKind::Resend, ChangedBy::Unknown),
        ] {
            assert_eq!(of(&change(kind, "port", plain()), &applied), cause);
        }
    }
}
