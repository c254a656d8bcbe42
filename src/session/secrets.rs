//! The secrets of a run: which references may be resolved, and from where.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::OpenError;
use crate::ledger::Ledger;
use crate::manifest::{Bindings, Manifest, OwnCredentials};
use crate::plan::deletion_references;
use crate::progress::Progress;
use crate::secret::{OwnValues, Providers, Reference, Secrets, resolve};
use crate::settings::run::{FileSettings, GuardSettings, RunSettings};
use crate::settings::vault::vault;

/// The secrets that a run needs.
#[derive(Debug, Clone, Copy)]
pub enum SecretSelection<'a> {
    /// Those of all files, and those that deletions need.
    All,
    /// Those of these integrations; of all if there are none. Nothing is deleted.
    Of(&'a HashSet<&'a str>),
    /// None.
    Nothing,
}

/// The bindings, which also reject every file with an own credential. Otherwise, anyone who can
/// push a file could send any secret to any host.
pub(super) fn bindings(settings: &RunSettings) -> Bindings {
    let bindings = declared_bindings(settings);
    bindings.keeping(Machine {
        providers: of_this_machine(&settings.files),
        own: OnceLock::new(),
    })
}

/// The own credentials that this machine has.
struct Machine {
    providers: Providers,
    /// Read when a file is first checked.
    own: OnceLock<OwnValues>,
}

impl OwnCredentials for Machine {
    fn is_file(&self, reference: &Reference) -> bool {
        self.providers.is_own_file(reference)
    }

    fn is_value(&self, text: &str) -> bool {
        let own = self.own.get_or_init(|| self.providers.own_values());
        own.has(text)
    }
}

/// The bindings as the operator declares them.
#[must_use]
pub fn declared_bindings(settings: &RunSettings) -> Bindings {
    let bindings: Bindings = settings.files.allow_secret.iter().cloned().collect();
    match settings.git {
        Some(_) => bindings.strict(),
        None => bindings,
    }
}

fn of_this_machine(files: &FileSettings) -> Providers {
    let mut providers = Providers::of_process(roots(&files.dir, &files.secret_roots));
    providers.own_files.extend(files.own_files.iter().cloned());
    providers
}

/// The directories that may hold secrets: for a single file, the directory that contains
/// it.
fn roots(dir: &Path, declared: &[PathBuf]) -> Vec<PathBuf> {
    if !declared.is_empty() {
        return declared.to_vec();
    }
    let parent = dir.parent().filter(|_| dir.is_file());
    vec![parent.unwrap_or(dir).to_path_buf()]
}

/// Resolves the secrets of a run. `progress` is notified of every answer.
pub(super) async fn resolved(
    settings: &RunSettings,
    manifest: &Manifest,
    ledger: &Ledger,
    lookup: SecretSelection<'_>,
    progress: Progress,
) -> Result<Secrets, OpenError> {
    let GuardSettings {
        policy,
        allow_replace,
        ..
    } = &settings.guard;
    let of_deletions = match lookup {
        SecretSelection::All => deletion_references(ledger, *policy, allow_replace),
        SecretSelection::Of(_) | SecretSelection::Nothing => Vec::new(),
    };
    let references = match lookup {
        SecretSelection::All => bound(settings, manifest, &of_deletions),
        SecretSelection::Of(names) => of_integrations(manifest, names),
        SecretSelection::Nothing => return Ok(Secrets::default()),
    };
    let mut providers = of_this_machine(&settings.files);
    providers.progress = progress;
    // Settings for Vault count only where something asks for it.
    let asks_vault = |reference: &&Reference| matches!(reference, Reference::Vault(_));
    if references.iter().any(asks_vault) {
        providers.vault = vault(&settings.vault, &|name: &str| std::env::var_os(name))?;
    }
    let mut secrets = resolve(references, &providers).await;
    let integrations = &manifest.integrations;
    let mut templates = Vec::new();
    for integration in integrations {
        integration.for_each_template(&mut |template| templates.push(template));
    }
    secrets.refuse_own(templates, &providers.own_values());
    Ok(secrets)
}

/// The references of the files, which were checked against the bindings, and those that
/// the ledger keeps for deletions. The files of these were checked, too, but perhaps
/// before there were any bindings.
fn bound<'a>(
    settings: &RunSettings,
    manifest: &'a Manifest,
    of_deletions: &'a [Reference],
) -> Vec<&'a Reference> {
    let bindings = bindings(settings);
    let kept = of_deletions
        .iter()
        .filter(|reference| bindings.name(reference));
    manifest.references().into_iter().chain(kept).collect()
}

fn of_integrations<'a>(manifest: &'a Manifest, names: &HashSet<&str>) -> Vec<&'a Reference> {
    let mut references = Vec::new();
    for integration in &manifest.integrations {
        if names.is_empty() || names.contains(integration.name.as_str()) {
            integration.for_each_template(&mut |template| references.extend(template.references()));
        }
    }
    references
}
