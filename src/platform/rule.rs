//! Facts of a table about more than one value: conditions, rules, and their evidence.

use super::Platform;

/// Condition under which an attribute is required.
#[derive(Debug, Clone, Copy)]
pub enum Need {
    /// It may be left out.
    Optional,
    /// Always; inside an object, whenever that object is given.
    Always(Evidence),
    /// Required if all of these hold.
    When(&'static [Condition], Evidence),
}

/// The integrations that do without a required secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Any may: the server does not show it.
    Perhaps,
    /// Those in which this switch, in the same object, is on.
    With(&'static str),
}

/// Something that can be said of one integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `autoBootstrap` has this value.
    AutoBootstrap(bool),
    /// The attribute at the top of `config` with this name (its default, if left
    /// out) is this word.
    Is(&'static str, &'static str),
}

impl Condition {
    /// True if it holds. `word` gives the value of an attribute of `config`.
    #[must_use]
    pub fn holds<'a>(
        self,
        platform: &Platform,
        auto_bootstrap: Option<bool>,
        word: impl Fn(&str) -> Option<&'a str>,
    ) -> bool {
        match self {
            Self::AutoBootstrap(wanted) => auto_bootstrap == Some(wanted),
            Self::Is(name, wanted) => {
                let default = platform.attribute(name).and_then(|a| a.default);
                word(name) == Some(wanted)
                    || (word(name).is_none() && default == Some(Scalar::Text(wanted)))
            }
        }
    }
}

/// A value as a table can state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Text(&'static str),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
}

/// A rule that one attribute cannot state alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// No two integrations of this platform share this attribute's value.
    Unique(&'static str, Evidence),
}

/// Evidence for a fact about the API (API.md section 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// \[D\] Documented by Immuta: an error.
    Documented,
    /// \[2\] A third party's summary or client: a warning.
    SecondHand,
    /// \[I\] Inferred from documented facts: a warning.
    Inferred,
    /// \[R\] Recalled, confirmed by no page: accepted.
    Recalled,
    /// \[U\] Unknown: every plausible form is accepted.
    Unknown,
}
