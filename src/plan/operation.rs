//! Questions about one action, whatever its kind.

use super::{Block, Operation};
use crate::live::RemoteId;
use crate::manifest::Suspend;

impl Operation {
    /// The word for the write, such as `create`; `None` if nothing is written.
    #[must_use]
    pub fn write_word(&self) -> Option<&'static str> {
        match self {
            Self::Create(_) => Some("create"),
            Self::Update { .. } => Some("update"),
            Self::Delete(_) => Some("delete"),
            Self::Replace { .. } => Some("replace"),
            Self::Unchanged { .. }
            | Self::Withheld { .. }
            | Self::Suspended { .. }
            | Self::Blocked(_) => None,
        }
    }

    /// True if a request is sent that changes the tenant.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.write_word().is_some()
    }

    /// The obstacle, if it is blocked.
    #[must_use]
    pub fn block(&self) -> Option<&Block> {
        match self {
            Self::Blocked(block) => Some(block),
            Self::Unchanged { .. }
            | Self::Create(_)
            | Self::Update { .. }
            | Self::Delete(_)
            | Self::Replace { .. }
            | Self::Withheld { .. }
            | Self::Suspended { .. } => None,
        }
    }

    /// True if the integration differs, or may differ, from its file and is suspended.
    #[must_use]
    pub fn is_pending_suspended(&self) -> bool {
        let Self::Suspended { would, .. } = self else {
            return false;
        };
        !matches!(**would, Self::Unchanged { .. })
    }

    /// The live integration, if the action names one.
    #[must_use]
    pub fn id(&self) -> Option<&RemoteId> {
        match self {
            Self::Unchanged { id } | Self::Update { id, .. } => Some(id),
            Self::Delete(deletion) | Self::Replace { deletion, .. } => Some(&deletion.id),
            Self::Withheld { would, .. } | Self::Suspended { would, .. } => would.id(),
            Self::Create(_) | Self::Blocked(_) => None,
        }
    }

    /// The action without the suspension and the policy that keep it back.
    #[must_use]
    pub fn without_limits(&self) -> &Self {
        let mut kind = self;
        while let Self::Withheld { would, .. } | Self::Suspended { would, .. } = kind {
            kind = would;
        }
        kind
    }

    pub(super) fn suspended(self, suspend: &Suspend) -> Self {
        let suspend = suspend.clone();
        let would = Box::new(self);
        Self::Suspended { suspend, would }
    }
}
