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
        /// What is wrong, for people and for tools that filter.
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

            /// What it means and what to do, in one paragraph.
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
        "The file or directory exists and could not be read. The integration that it describes is frozen: neither changed nor deleted."
    NotAFile "E0102" "not-a-file" situation
        "The name looks like an integration file, but it is a device, a socket or a pipe. It was not opened."
    BadLink "E0103" "bad-link" situation
        "A symbolic link leads out of the directory, in a circle or nowhere. Only links to places inside the directory are followed, so that a file cannot include text that was not reviewed with it."
    TooLarge "E0104" "too-large" situation
        "The file is larger than the limit. An integration takes less than a kilobyte, so it is most likely no integration file."
    NotUtf8 "E0105" "not-utf8" situation
        "Integration files and their names are UTF-8."
    Syntax "E0106" "syntax" file
        "The text is not YAML. The integration that the document described is frozen: neither changed nor deleted."
    Tab "E0107" "tab" file
        "YAML indents with spaces; a tab has no width that everybody agrees on."
    ControlCharacter "E0108" "control-character" file
        "The text holds a control character, such as NUL, that YAML forbids; or one that makes it read otherwise than it looks: a bidirectional control, or a carriage return that no line feed follows, which ends a line for YAML and not for git or an editor."
    DuplicateKey "E0109" "duplicate-key" file
        "A key is given twice in one mapping. One of the two values would be lost silently."
    KeyNotText "E0110" "key-not-text" file
        "A key of a mapping is not a string. Keys become attribute names, and those are strings."
    Tag "E0111" "tag" file
        "A value has a tag, such as `!secret`, that means nothing here."
    Alias "E0112" "alias" file
        "An alias such as `*name` has no anchor `&name` before it, or stands inside its own anchor."
    MergeKey "E0113" "merge-key" file
        "The value of a merge key `<<` is neither a mapping nor a list of mappings."
    NumberRange "E0114" "number-range" file
        "A number is too large to be sent without losing digits, or it is not finite."
    TooComplex "E0115" "too-complex" file
        "The document is nested too deeply, holds too many values, or its aliases expand to too much. The limits keep a small file from using up all memory."
    NotAMapping "E0201" "not-a-mapping" file
        "A document is a mapping with the keys `type`, `autoBootstrap`, `config` and `sync`."
    UnknownKey "E0202" "unknown-key" file
        "A key at the top of the document, or below `sync`, is unknown. It would be ignored silently."
    MissingType "E0203" "missing-type" file
        "Every integration has a `type`."
    UnknownType "E0204" "unknown-type" file
        "The `type` is not a platform that this version knows. Case and spaces count."
    MissingAutoBootstrap "E0205" "missing-auto-bootstrap" file
        "`autoBootstrap` must be given: it decides who sets the platform up, Immuta or you, and has no safe default."
    AutoBootstrapRefused "E0206" "auto-bootstrap-refused" file
        "The platform cannot be set up automatically, so `autoBootstrap` must be `false`."
    KeyNotSent "E0207" "key-not-sent" file
        "The payload of this platform is its `type` alone. Any other key would never be sent."
    MissingConfig "E0208" "missing-config" file
        "The attributes of the integration belong below `config`."
    NameNeeded "E0209" "name-needed" file
        "In a file with several documents each needs a name in `sync.name`; the name of the file can serve only one."
    InvalidName "E0210" "invalid-name" file
        "A name starts with a letter or digit and goes on with letters, digits, `.`, `_` and `-`, 128 characters at most."
    SyncOption "E0211" "sync-option" file
        "An option below `sync` has an invalid value."
    ExtraKnown "E0212" "extra-known" file
        "`sync.extra` is for attributes that this version does not know. A known one belongs below `config`, where it is checked."
    UnknownAttribute "E0301" "unknown-attribute" file
        "The platform has no attribute of this name. If a newer server has it, `sync.extra` sends it as it is."
    WrongShape "E0302" "wrong-shape" file
        "The value does not have the type of the attribute. Values are never converted: `\"443\"` is a string and `443` a number."
    OutOfBounds "E0303" "out-of-bounds" file
        "The number lies outside of the documented bounds."
    UnknownWord "E0304" "unknown-word" file
        "The documentation lists the values of this attribute; this is not one of them."
    Format "E0305" "format" file
        "The string does not have the documented form."
    MissingAttribute "E0306" "missing-attribute" file
        "The documentation says that the attribute is required."
    NullValue "E0307" "null-value" file
        "A key without a value is null in YAML, and no attribute can be null. Leave the key out instead."
    EmptyValue "E0308" "empty-value" file
        "A required string is empty."
    MalformedReference "E0401" "malformed-reference" file
        "`${` starts a reference, and this one is incomplete or names an unknown source. Its text is not shown, since it may be a secret."
    ReferenceNotAllowed "E0402" "reference-not-allowed" file
        "References to secrets are allowed only where the platform expects a secret. Anywhere else the value would be shown, and a plan must not be a way to read the environment."
    UnknownVariable "E0403" "unknown-variable" file(Variable("REGION", "us-east-1"))
        "The reference names a variable that the settings do not declare."
    UnboundReference "E0404" "unbound-reference" file(Binding("env:LAKE_TOKEN=*@lake.example.net"))
        "The operator declares with `--allow-secret` which references may go where; this one is not among them. Otherwise anybody who can change a file could send any secret to any host."
    OwnCredential "E0405" "own-credential" file
        "The reference leads to what integrationd itself authenticates with: its API key, a token, the login of a proxy, or what it lends to sops. Otherwise anybody who can change a file could send it to any host. Give the integration a credential of its own."
    SameName "E0501" "same-name" file
        "Two documents have one name. The name pairs a document with its integration, so neither is applied."
    SameIdentity "E0502" "same-identity" file
        "Two documents describe one integration. Unless each has a `sync.id` of its own, neither is applied."
    SameId "E0503" "same-id" file
        "Two documents of one platform are pinned to one live integration by `sync.id`."
    NotUnique "E0504" "not-unique" file
        "No two integrations of this platform can share the value of this attribute."
    EmptyFile "W0601" "empty-file" file
        "The file holds no document. If it described an integration, `sync` leaves that alone as long as the file is there."
    LiteralSecret "W0602" "literal-secret" file
        "The file holds a secret, which everybody with access to the file can read. Use a reference instead."
    LikelyMissing "W0603" "likely-missing" file
        "Everything that is known suggests that the server needs this attribute, but no documentation says so."
    UnlikelyWord "W0604" "unlikely-word" file
        "The value is not among those that are known for this attribute, but no documentation says that there are no others."
    UnlikelyFormat "W0605" "unlikely-format" file
        "The string does not have the form that such values have, but no documentation demands it."
    UnknownPath "W0606" "unknown-path" file
        "The path in `sync.ignore` is no attribute of the platform, so it ignores nothing that this version knows."
    LikelyNotUnique "W0607" "likely-not-unique" situation
        "Two integrations share a value that the server probably wants to be unique."
    MisleadingHost "W0608" "misleading-host" file
        "The name of a host holds a character outside of visible ASCII. Many letters of other scripts look like Latin ones, and the secrets of the integration are sent to that host."
    UnusedVariable "W0609" "unused-variable" file(Variable("REGION", "us-east-1"))
        "A variable is declared and no file refers to it: its name may be misspelled, or a file that used it is gone."
}

impl Code {
    /// The code with this number, in upper or lower case.
    #[must_use]
    pub fn from_number(number: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|code| code.number().eq_ignore_ascii_case(number))
    }

    /// True if the text has the form of a code, in upper or lower case.
    #[must_use]
    pub fn is_number(text: &str) -> bool {
        let digits = text.strip_prefix(['E', 'e', 'W', 'w']);
        digits.is_some_and(|it| it.len() == 4 && it.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Whether it stops its document. The letter of the number says so too.
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
