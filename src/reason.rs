//! Reasons: why an integration, or the daemon, is not simply in sync.
//!
//! One table has every reason: its word in logs, JSON, page and notifications, which is a
//! contract; what it asks of people; and its meaning. Code names a reason by its variant,
//! so that two places cannot disagree about a word.

/// Consequence of a reason for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// An operator has to act.
    Lasts,
    /// It may end by itself.
    Passes,
    /// It may end by itself, or is reported elsewhere: no notification is sent for it.
    Quiet,
    /// An operator has decided it.
    Chosen,
}

macro_rules! reasons {
    ($($variant:ident $outlook:ident $meaning:literal;)+) => {
        /// Reason for a state. As a word it is CamelCase, as `kubectl` shows it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)+
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                }
            }

            /// Its consequence for operators.
            #[must_use]
            pub fn outlook(self) -> Outlook {
                match self {
                    $(Self::$variant => Outlook::$outlook,)+
                }
            }

            /// Its meaning, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

reasons! {
    // Files and names.
    InvalidFile Lasts "The file has errors.";
    EmptyFile Lasts "The file is empty or no longer contains the document that described the \
        integration.";
    AmbiguousFiles Lasts "Several files describe integrations that cannot be distinguished.";
    AmbiguousLive Lasts "Several live integrations match.";
    PinMissing Lasts "No integration has the id in `sync.id`.";
    PinType Lasts "The integration in `sync.id` has a different type.";
    PinIdentity Lasts "The integration in `sync.id` has a different identity.";
    NeedsPin Lasts "The match is uncertain: the file must name the integration in `sync.id`.";
    Moved Lasts "The file now describes a different integration.";
    // Changes that are not made.
    NeverUpdated Lasts "Integrations of this type are never updated.";
    Replacement Lasts "The change requires a replacement, which is not allowed.";
    Conflict Lasts "The file and the server have both changed a value.";
    SecretNotGiven Lasts "An update would drop, or may drop, a stored secret that is not in the file.";
    ValueHidden Lasts "The server hides a value that an update should keep.";
    UnboundReference Lasts "No binding allows sending a secret to the destination of the request.";
    MissingSecret Passes "A secret that the request needs is not available.";
    OwnedByConnection Lasts "The integration belongs to a connection.";
    OwnersUnknown Passes "The tenant's connections could not be read.";
    Contested Lasts "Someone else keeps changing the same value back.";
    NotConverging Lasts "The server does not keep a written value.";
    Retrying Quiet "The server had a different value right after a write; the write is repeated.";
    Drift Lasts "Values were changed on the server.";
    WithheldByPolicy Chosen "The policy withholds the change.";
    // Deletions that are not made.
    Protected Lasts "`sync.protect` forbids the deletion.";
    DeletionFrozen Lasts "A file with errors may describe the integration.";
    NotRemoved Lasts "The file that described the integration still exists.";
    Described Lasts "Another file describes the integration.";
    Pinned Lasts "`sync.id` forbids a replacement.";
    IdentityMoved Lasts "The live integration's identity differs from the recorded one.";
    CredentialsNotKept Lasts "The credentials needed for the deletion are not recorded.";
    NotOwned Lasts "The integration was neither created nor adopted by integrationd.";
    // The server.
    Busy Quiet "The server is processing the integration.";
    Disabled Lasts "The integration is disabled.";
    UnknownScope Passes "The list of integrations could not be read completely.";
    InDoubt Passes "The outcome of an earlier write is unknown.";
    BackingOff Quiet "The last write failed and will be retried later.";
    WriteFailed Lasts "A write failed.";
    NotStarted Quiet "The run ended before the write began.";
    Interrupted Quiet "The run ended before the write was finished.";
    NotProved Quiet "The tenant could not be read after the write.";
    Pending Quiet "A write is waiting for its turn.";
    ValidationFailed Lasts "A recurring validation test is failing.";
    Unhealthy Lasts "The server reports an unhealthy status.";
    CreateError Lasts "The server could not create the integration.";
    EditError Lasts "The server could not edit the integration.";
    MigrateError Lasts "The server could not migrate the integration.";
    DeleteError Lasts "The server could not delete the integration.";
    // Runs of the daemon.
    Starting Passes "The daemon has not started its first run.";
    Suspended Chosen "Writes are suspended.";
    ProgressingWithRetry Passes "A failed run will be retried.";
    NoResult Lasts "The run produced no result.";
    Blocked Lasts "Integrations are blocked.";
    GuardRefused Quiet "The plan exceeds a limit of the guard.";
    InvalidSettings Lasts "The settings are invalid.";
    NotAuthorized Lasts "The tenant rejects the API key.";
    SourceRefused Lasts "The revision must not be applied.";
    SourceUnreadable Lasts "The source cannot be read.";
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_meaning_of_its_own() {
        let mut meanings: Vec<&str> = Reason::ALL.iter().map(|reason| reason.meaning()).collect();
        meanings.sort_unstable();
        meanings.dedup();
        assert_eq!(meanings.len(), Reason::ALL.len());
    }
}
