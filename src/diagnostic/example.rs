//! An example of each mistake, with and without it, as data next to the codes.

use std::fmt;

/// A mistake, and the same without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// A mistake in the text of a file.
    File(FileExample),
    /// A mistake that no text shows, such as a file that cannot be read. A line is a
    /// paragraph, or, if it is indented, a line of a shell.
    Situation {
        /// The mistake.
        wrong: &'static str,
        /// The remedy.
        right: &'static str,
    },
}

/// An integration file with a mistake, and the same file without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileExample {
    /// YAML with this mistake and no other.
    pub wrong: &'static str,
    /// YAML without a mistake.
    pub right: &'static str,
    /// Settings that both need.
    pub settings: &'static [ExampleSetting],
}

/// A setting that an example needs. It is shown as a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExampleSetting {
    /// A variable that the settings declare.
    Variable(&'static str, &'static str),
    /// A binding: the secrets that may go to a host.
    Binding(&'static str),
}

impl fmt::Display for ExampleSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name, value) => write!(f, "--var {name}={value}"),
            Self::Binding(binding) => write!(f, "--allow-secret '{binding}'"),
        }
    }
}

/// The example of a code, from its files in `examples/`: a code without them does not compile.
macro_rules! example {
    (situation $number:literal) => {
        Example::Situation {
            wrong: include_str!(concat!("examples/", $number, "/wrong.txt")),
            right: include_str!(concat!("examples/", $number, "/right.txt")),
        }
    };
    (file $number:literal $($setting:expr)?) => {
        Example::File(FileExample {
            wrong: include_str!(concat!("examples/", $number, "/wrong.yaml")),
            right: include_str!(concat!("examples/", $number, "/right.yaml")),
            settings: &[$($setting)?],
        })
    };
}

pub(super) use example;
