//! The files of a run with their secrets.

use super::Files;
use crate::immuta::KnownSecrets;
use crate::ledger::{Fingerprint, Fingerprinter};
use crate::manifest::{Integration, Manifest};
use crate::platform::walk;
use crate::secret::{Secret, Secrets, Template};
use crate::value::Value;

/// Desired state of the files, with all resolved secrets.
#[derive(Debug)]
pub struct Desired {
    /// The contents of the files.
    pub manifest: Manifest,
    /// The source of the files.
    pub files: Files,
    /// The secrets that they name.
    pub secrets: Secrets,
    /// Makes their fingerprints; absent where there is no key for it.
    pub fingerprinter: Option<Fingerprinter>,
}

impl Desired {
    /// The fingerprint of a secret by the name of its integration and its path;
    /// `None` where it, or the key, is missing.
    pub(super) fn fingerprint(
        &self,
        name: &str,
        path: &str,
        template: &Template,
    ) -> Option<Fingerprint> {
        let secret = template
            .render(|reference| self.secrets.get(reference))
            .ok()?;
        Some(
            self.fingerprinter
                .as_ref()?
                .fingerprint(name, path, &secret),
        )
    }

    /// True if two templates are the same text; `None` if a secret in them is missing.
    pub(super) fn is_same_text(&self, one: &Template, other: &Template) -> Option<bool> {
        Some(self.secrets.value(one)? == self.secrets.value(other)?)
    }

    /// Every secret of this run, for the client: those of the sources, those in the files, and
    /// those in the parameters of a text. Values that the files show in clear are not secrets.
    #[must_use]
    pub fn known_secrets(&self) -> KnownSecrets {
        let mut secrets: Vec<Secret> = self.secrets.values().cloned().collect();
        let mut in_clear = Vec::new();
        for integration in &self.manifest.integrations {
            integration.for_each_template(&mut |template| {
                secrets.extend(template.literals().cloned());
            });
            secrets.extend(self.secret_parameters(integration));
            integration
                .config
                .for_each_text(&mut |text| in_clear.push(text));
        }
        KnownSecrets::of_files(secrets, in_clear.into_iter())
    }

    /// The secrets in the texts with parameters that references stand for.
    fn secret_parameters(&self, integration: &Integration) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for it in walk(integration.platform.attributes, &integration.config) {
            if let (Some(attribute), Value::Secret(template)) = (it.attribute, it.value)
                && attribute.secret_parameters.is_some()
                && let Some(whole) = self.secrets.value(template)
            {
                let parted = whole.parted(&|text| attribute.secrets_in(text));
                let literals = parted.iter().flat_map(Template::literals).cloned();
                secrets.extend(literals);
            }
        }
        secrets
    }
}
