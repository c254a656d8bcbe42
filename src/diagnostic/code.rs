//! The list of mistakes: each has a code that never changes its meaning.
//!
//! The list is data. The golden tests and the reference documentation run over
//! [`Code::ALL`], so a new mistake cannot be forgotten by either.

use super::Severity;
use super::example::ExampleSetting::{Binding, Variable};
use super::example::{Example, FileExample, example};

/// Declares the codes: name, number, slug, example and explanation, in one place.
///
/// The example is a `file` or a `situation`, in `examples/` below the number.
macro_rules! codes {
    ($(
        $name:ident $number:literal $slug:literal
        $example:ident $(($setting:expr))?
        $explanation:literal
    )*) => {
        /// Kind of a mistake, for people and for tools that filter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $explanation] $name,)*
        }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable number, such as `E0301`.
            #[must_use]
            pub fn number(self) -> &'static str {
                match self { $(Self::$name => $number,)* }
            }

            /// A short name, such as `unknown-attribute`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// Meaning and remedy, in one paragraph.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation,)* }
            }

            /// An example with the mistake, and one without it.
            #[must_use]
            pub fn example(self) -> Example {
                match self { $(Self::$name => example!($example $number $($setting)?),)* }
            }
        }
    };
}

codes! {
    Unreadable "E0101" "unreadable" situation
        "The file or directory exists but could not be read. Its integrations are frozen: neither \
        changed nor deleted."
    NotAFile "E0102" "not-a-file" situation
        "A device, a socket or a pipe has the name of an integration file. It was not opened."
    BadLink "E0103" "bad-link" situation
        "A symbolic link is broken, forms a cycle or points outside the directory. Only links \
        within the directory are followed, so that a file cannot include text that was not \
        reviewed with it."
    TooLarge "E0104" "too-large" situation
        "The file exceeds the size limit. An integration takes less than a kilobyte, so this is \
        probably not an integration file."
    NotUtf8 "E0105" "not-utf8" situation
        "Integration files and their names must be UTF-8."
    Syntax "E0106" "syntax" file
        "The text is not valid YAML. The integration that the document described is frozen: \
        neither changed nor deleted."
    Tab "E0107" "tab" file
        "YAML is indented with spaces; the width of a tab is not defined."
    ControlCharacter "E0108" "control-character" file
        "The text contains a control character that YAML forbids, such as NUL, or one that makes \
        the text misleading. Misleading characters are bidirectional controls, and a carriage \
        return without a line feed, which ends a line in YAML but not in git or an editor."
    DuplicateKey "E0109" "duplicate-key" file
        "A mapping contains a key twice. Without this error, one of the two values would be \
        silently lost."
    KeyNotText "E0110" "key-not-text" file
        "A key of a mapping is not a string. Keys become attribute names, which are strings."
    Tag "E0111" "tag" file
        "A value has a tag, such as `!secret`, that is not supported."
    Alias "E0112" "alias" file
        "An alias such as `*name` has no anchor `&name` before it, or is inside its own anchor."
    MergeKey "E0113" "merge-key" file
        "The value of a merge key `<<` is neither a mapping nor a list of mappings."
    NumberRange "E0114" "number-range" file
        "A number is not finite, or too large to be sent without losing digits."
    TooComplex "E0115" "too-complex" file
        "The document is nested too deeply, contains too many values, or expands to too many \
        through aliases. The limits keep a small file from exhausting memory."
    NotAMapping "E0201" "not-a-mapping" file
        "A document must be a mapping with the keys `type`, `autoBootstrap`, `config` and `sync`."
    UnknownKey "E0202" "unknown-key" file
        "A key at the top level of the document, or below `sync`, is unknown. Without this error, \
        the key would be silently ignored."
    MissingType "E0203" "missing-type" file
        "Every integration needs a `type`."
    UnknownType "E0204" "unknown-type" file
        "This version does not know a platform of this `type`. Case and spaces matter."
    MissingAutoBootstrap "E0205" "missing-auto-bootstrap" file
        "`autoBootstrap` is required: it decides whether Immuta or you set up the platform, and \
        has no safe default."
    AutoBootstrapRefused "E0206" "auto-bootstrap-refused" file
        "The platform cannot be set up automatically, so `autoBootstrap` must be `false`."
    KeyNotSent "E0207" "key-not-sent" file
        "The payload of this platform consists of its `type` alone. No other key would be sent."
    MissingConfig "E0208" "missing-config" file
        "The attributes of the integration belong below `config`."
    NameNeeded "E0209" "name-needed" file
        "In a file with several documents, each document needs a name in `sync.name`: the file \
        name can be the name of only one document."
    InvalidName "E0210" "invalid-name" file
        "A name starts with a letter or digit and continues with letters, digits, `.`, `_` and \
        `-`; it has at most 128 characters."
    SyncOption "E0211" "sync-option" file
        "An option below `sync` has an invalid value."
    ExtraKnown "E0212" "extra-known" file
        "`sync.extra` is for attributes that this version does not know. A known attribute \
        belongs below `config`, where it is checked."
    UnknownAttribute "E0301" "unknown-attribute" file
        "The platform has no attribute of this name. If a newer server supports it, use \
        `sync.extra` to send it unchecked."
    WrongShape "E0302" "wrong-shape" file
        "The value does not have the type of the attribute. Values are never converted: `\"443\"` is a string and `443` a number."
    OutOfBounds "E0303" "out-of-bounds" file
        "The number is outside the documented range."
    UnknownWord "E0304" "unknown-word" file
        "The value is not one of those documented for this attribute."
    Format "E0305" "format" file
        "The string does not have the documented format."
    MissingAttribute "E0306" "missing-attribute" file
        "An attribute that is documented as required is missing."
    NullValue "E0307" "null-value" file
        "A key without a value is null in YAML. Omit the key instead. Only a secret that the server \
        stores can be null: the word `null` states that the integration has no such secret."
    EmptyValue "E0308" "empty-value" file
        "A required string is empty."
    Mask "E0309" "mask" file
        "The file contains a mask, such as `(secret)`, in place of a secret. A program that hides \
        secrets wrote it, such as `integrationd render`. Without this error, the mask would be \
        sent as the secret."
    MalformedReference "E0401" "malformed-reference" file
        "`${` starts a reference, but this one is incomplete or names an unknown source. Its text \
        is not shown because it may be a secret."
    ReferenceNotAllowed "E0402" "reference-not-allowed" file
        "References to secrets are allowed only where the platform expects a secret. Anywhere \
        else, the value would be shown in plans and logs."
    UnknownVariable "E0403" "unknown-variable" file(Variable("REGION", "us-east-1"))
        "The reference names a variable that the settings do not declare."
    UnboundReference "E0404" "unbound-reference" file(Binding("env:LAKE_TOKEN=*@lake.example.net"))
        "`--allow-secret` does not allow this reference at this destination. Without this check, \
        anyone who can change a file could send any secret to any host."
    OwnCredential "E0405" "own-credential" file
        "The reference resolves to a credential of integrationd itself: its API key, a token, the \
        login of a proxy, or a credential for sops. If such a reference were allowed, anyone \
        who can change a file could send that credential to any host. Give the integration a \
        credential of its own."
    SameName "E0501" "same-name" file
        "Two documents have the same name. The name pairs a document with its integration, so \
        neither document is applied."
    SameIdentity "E0502" "same-identity" file
        "Two documents describe the same integration. Unless each document has its own `sync.id`, \
        neither document is applied."
    SameId "E0503" "same-id" file
        "Two documents for the same platform are pinned to the same live integration by `sync.id`."
    NotUnique "E0504" "not-unique" file
        "Two documents have the same value for an attribute that must be unique among \
        integrations of this platform."
    EmptyFile "W0601" "empty-file" file
        "The file contains no document. If the file used to describe an integration, that \
        integration is not deleted while the file exists."
    LiteralSecret "W0602" "literal-secret" file
        "The file contains a secret, which anyone with access to the file can read. Use a \
        reference instead."
    LikelyMissing "W0603" "likely-missing" file
        "The server probably requires this attribute, although the documentation does not say so."
    UnlikelyWord "W0604" "unlikely-word" file
        "The value is not among those known for this attribute, but the documentation does not \
        rule out others."
    UnlikelyFormat "W0605" "unlikely-format" file
        "The string does not have the usual format of such values, but the documentation does not \
        require it."
    UnknownPath "W0606" "unknown-path" file
        "The path in `sync.ignore` matches no attribute that this version knows, so no known \
        attribute is ignored."
    LikelyNotUnique "W0607" "likely-not-unique" situation
        "Two integrations share a value that the server probably requires to be unique."
    MisleadingHost "W0608" "misleading-host" file
        "A host name contains a character outside visible ASCII. Many letters of other scripts \
        look like Latin ones, and the integration's secrets are sent to that host."
    UnusedVariable "W0609" "unused-variable" file(Variable("REGION", "us-east-1"))
        "A variable is declared, but no file refers to it: its name may be misspelled, or a file \
        that used it was removed."
}

impl Code {
    /// The code with this number, in upper or lower case.
    #[must_use]
    pub fn from_number(number: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|code| code.number().eq_ignore_ascii_case(number))
    }

    /// True if the text resembles a code: with four digits in upper or lower case, or in upper
    /// case with any number of digits from two. Shorter texts in lower case are names.
    #[must_use]
    pub fn is_resembled_by(text: &str) -> bool {
        let Some(digits) = text.strip_prefix(['E', 'e', 'W', 'w']) else {
            return false;
        };
        let is_long_enough =
            digits.len() == 4 || (digits.len() > 1 && text.starts_with(['E', 'W']));
        is_long_enough && digits.bytes().all(|b| b.is_ascii_digit())
    }

    /// Severity: an error stops its document. The letter of the number shows it too.
    #[must_use]
    pub fn severity(self) -> Severity {
        if self.number().starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.number())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_slugs_are_unique() {
        let numbers: Vec<_> = Code::ALL.iter().map(|code| &code.number()[1..]).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        let slugs: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.slug()).collect();
        assert_eq!(slugs.len(), Code::ALL.len());
    }
}
