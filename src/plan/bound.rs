//! Allowed destinations of a request's references: the final body, with everything that
//! is carried into it, is checked against the bindings.

use super::carry::plain;
use super::{Before, Block, Body, Deletion, Operation};
use crate::live::LiveIntegration;
use crate::manifest::{Bindings, Destination, Integration, Unbound, named_destinations};
use crate::value::Object;

/// A write whose references may not go where its body leads becomes a block.
pub(super) fn admitted(kind: Operation, bindings: &Bindings) -> Operation {
    if let Operation::Suspended { suspend, would } = kind {
        let would = Box::new(admitted(*would, bindings));
        return Operation::Suspended { suspend, would };
    }
    let checked = match &kind {
        Operation::Create(creation) | Operation::Replace { creation, .. } => {
            creation.body.admit(bindings)
        }
        Operation::Update { body, .. } => body.admit(bindings),
        // Checked where it is made: its credentials go where the live integration leads.
        Operation::Delete(_) => Ok(()),
        Operation::Unchanged { .. }
        | Operation::Withheld { .. }
        | Operation::Suspended { .. }
        | Operation::Blocked(_) => Ok(()),
    };
    match checked {
        Ok(()) => kind,
        Err(unbound) => Operation::Blocked(Block::Unbound(unbound)),
    }
}

impl Body {
    /// Lets this body be sent.
    ///
    /// # Errors
    /// A reference in it that may not go where it leads.
    pub fn admit(&self, bindings: &Bindings) -> Result<(), Unbound> {
        let mut references = Vec::new();
        self.for_each_reference(&mut |reference| references.push(reference));
        bindings.admit(references, self.platform, &self.config)
    }
}

impl Deletion {
    /// Lets the credentials be used on the live integration as it is now.
    ///
    /// # Errors
    /// A reference in them that may not go where the integration leads.
    pub fn admit(&self, live: &LiveIntegration, bindings: &Bindings) -> Result<(), Unbound> {
        let mut references = Vec::new();
        self.for_each_reference(&mut |reference| references.push(reference));
        let config = live.config.0.iter();
        let mut config: Object = config.map(|(k, v)| (k.clone(), plain(v))).collect();
        for (path, value) in self.credentials.iter() {
            config.insert_at(path, value.clone());
        }
        let admitted = bindings.admit(references, self.platform, &config);
        admitted.map_err(|mut unbound| {
            let path = unbound.path.as_ref();
            let before = Before::of(live, &self.state);
            if let Some(path) = path.filter(|path| before.hides(path)) {
                unbound.to = format!("the hidden destination of `{path}`");
            }
            unbound
        })
    }
}

/// The places that a body names and its file does not.
pub(super) fn carried(integration: &Integration, body: &Body) -> Vec<Destination> {
    let created = Body::for_create(integration);
    let given = named_destinations(body.platform, &created.config);
    let is_given = |destination: &Destination| match destination {
        Destination::Host { .. } => given.contains(destination),
        Destination::Unclear { path } => {
            let value = created.config.at(path);
            value.is_some() && value == body.config.at(path)
        }
    };
    let mut named = named_destinations(body.platform, &body.config);
    named.retain(|destination| !is_given(destination));
    named
}
