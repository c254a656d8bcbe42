//! The payload of a request, in one place: the client encodes it, and a plan shows it.

use super::Platform;

/// The field that says which platform it is (API.md 4.1).
pub const TYPE: &str = "type";

/// The field that says who sets the platform up (API.md section 4).
pub const AUTO_BOOTSTRAP: &str = "autoBootstrap";

/// The field of the attributes.
pub const CONFIG: &str = "config";

/// Top-level keys of the payload of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadShape {
    /// `type`, `autoBootstrap` (either value) and `config`.
    Full,
    /// `type`, `autoBootstrap: false` and `config`; `true` is a documented error.
    ManualOnly,
    /// `type` alone. There is nothing to compare, and it is never updated.
    TypeOnly,
}

/// The value of a field of a payload, with the attributes in the form `C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<C> {
    /// The platform.
    Type(&'static str),
    /// Automatic or manual setup.
    AutoBootstrap(bool),
    /// The attributes.
    Config(C),
}

/// The value of `type`.
impl serde::Serialize for Platform {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire)
    }
}

impl Platform {
    /// The fields of a payload in the order in which they are sent. Where only a manual
    /// set-up exists, `autoBootstrap` is `false` unless something else is given.
    pub fn fields<C>(
        &self,
        auto_bootstrap: Option<bool>,
        config: C,
    ) -> Vec<(&'static str, Field<C>)> {
        let mut fields = vec![(TYPE, Field::Type(self.wire))];
        let auto_bootstrap = match self.payload {
            PayloadShape::TypeOnly => return fields,
            PayloadShape::Full => auto_bootstrap,
            PayloadShape::ManualOnly => Some(auto_bootstrap.unwrap_or(false)),
        };
        fields.extend(auto_bootstrap.map(|value| (AUTO_BOOTSTRAP, Field::AutoBootstrap(value))));
        fields.push((CONFIG, Field::Config(config)));
        fields
    }
}
