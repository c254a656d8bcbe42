//! What is suspended, in words.

use crate::plan::Kind;

/// What would be done of it, and is not.
pub(super) fn verdict(would: &Kind) -> &'static str {
    match would {
        Kind::Create(_) => "would be created, and is suspended",
        Kind::Update { .. } => "would be updated, and is suspended",
        Kind::Delete(_) => "would be deleted, and is suspended",
        Kind::Replace { .. } => "would be deleted and created again, and is suspended",
        Kind::Blocked(_) => "would be blocked, and is suspended",
        Kind::Unchanged { .. } | Kind::Withheld { .. } | Kind::Suspended { .. } => "is suspended",
    }
}
