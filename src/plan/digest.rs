//! The digest of a plan: the same plan has the same digest on every machine.
//!
//! It covers the actions that write, in the order of their names: for each its name, kind,
//! platform and id, the final body with references in place of secrets, and the known attributes
//! of the live side that the plan compared. It covers neither the position of a document nor
//! anything that may differ between two machines with the same inputs: times, limits, whether a
//! secret is available, and unknown attributes that an update only carries on.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::body::with_references;
use super::{Action, Deletion, Operation};

/// The algorithm, as a digest names it.
const ALGORITHM: &str = "sha256:";

/// Distinguishes the digests of plans from other hashes, and this form of them from later ones.
const FORM: &str = "integrationd plan 1";

/// The digest of a plan: `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanDigest([u8; 32]);

impl PlanDigest {
    /// The digest of the actions of a plan.
    pub(super) fn of(actions: &[Action]) -> Self {
        let mut writes: Vec<Json> = actions.iter().filter_map(write).collect();
        writes.iter_mut().for_each(Json::sort_all_objects);
        let mut hash = Sha256::new();
        hash.update(json!([FORM, writes]).to_string());
        Self(hash.finalize().into())
    }
}

/// The digest of a plan that writes nothing.
impl Default for PlanDigest {
    fn default() -> Self {
        Self::of(&[])
    }
}

/// The parts of an action that count; `None` if it writes nothing.
fn write(action: &Action) -> Option<Json> {
    let kind = &action.kind;
    let word = kind.write_word()?;
    let parts = match kind {
        Operation::Create(creation) => json!({ "body": creation.body.shown() }),
        Operation::Update {
            body, precondition, ..
        } => {
            let body = precondition.without_carried(body).shown();
            json!({ "body": body, "live": precondition.state().compared() })
        }
        Operation::Delete(deletion) => deleted(deletion),
        Operation::Replace {
            deletion, creation, ..
        } => {
            let mut parts = deleted(deletion);
            parts["body"] = creation.body.shown();
            parts
        }
        Operation::Unchanged { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => return None,
    };
    let platform = action.platform.map(|platform| platform.wire);
    Some(json!([action.name, word, platform, kind.id(), parts]))
}

/// The parts of a deletion that count.
fn deleted(deletion: &Deletion) -> Json {
    let credentials = with_references(&deletion.credentials);
    json!({ "credentials": credentials, "live": deletion.precondition.compared() })
}

/// A text that is no digest of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the digest of a plan is `sha256:` and 64 hexadecimal digits")]
pub struct InvalidDigest;

impl FromStr for PlanDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digits = text.strip_prefix(ALGORITHM).ok_or(InvalidDigest)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| InvalidDigest)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}{}", hex::encode(self.0))
    }
}

impl Serialize for PlanDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_digest_is_read() {
        let digest = PlanDigest::default();
        let text = digest.to_string();
        assert_eq!(text.len(), 71);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(
            text.to_uppercase().parse::<PlanDigest>(),
            Err(InvalidDigest)
        );
        for wrong in [&text[7..], &text[..70], "", "sha256:", &format!("{text}0")] {
            assert_eq!(wrong.parse::<PlanDigest>(), Err(InvalidDigest), "{wrong}");
        }
    }
}
