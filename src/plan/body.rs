//! The body of a write, as the plan shows it and the encoder sends it.

use crate::manifest::Integration;
use crate::platform::Platform;
use crate::secret::Reference;
use crate::value::{Object, Value};

/// Body of one request, with references in place of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Says which keys the payload has.
    pub platform: &'static Platform,
    /// As in the file.
    pub auto_bootstrap: Option<bool>,
    /// The whole configuration.
    pub config: Object,
}

impl Body {
    /// The file's payload and nothing else.
    pub(super) fn for_create(integration: &Integration) -> Self {
        Self::with_config(integration, integration.config.clone())
    }

    /// This configuration, with `sync.extra` merged into it.
    pub(super) fn with_config(integration: &Integration, mut config: Object) -> Self {
        merge(&mut config, &integration.options.extra);
        Self {
            platform: integration.platform,
            auto_bootstrap: integration.auto_bootstrap,
            config,
        }
    }

    /// Calls `visit` with every reference in the body.
    pub(super) fn for_each_reference<'a>(&'a self, visit: &mut dyn FnMut(&'a Reference)) {
        for (_, value) in self.config.iter() {
            value.for_each_template(&mut |template| template.references().for_each(&mut *visit));
        }
    }
}

/// Merges `extra` into `config`, object by object: an unknown attribute may lie
/// inside of a known one.
fn merge(config: &mut Object, extra: &Object) {
    for (key, value) in extra.iter() {
        match (config.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            (_, value) => config.insert(key, value.clone()),
        }
    }
}
