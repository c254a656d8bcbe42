//! From files to what a run wants: the steps that `sync` and the daemon must not
//! take in different ways, or forget.

use std::collections::BTreeSet;

use super::args::RunArgs;
use super::failure::Failure;
use super::secrets;
use crate::ledger::{Fingerprinter, Ledger};
use crate::manifest::{Manifest, Name};
use crate::plan::{KnownNames, deletion_references};
use crate::progress::Progress;
use crate::report::exit::Exit;
use crate::secret::{Secrets, resolve};
use crate::sync::{Desired, Files, Request};

/// Context in which the files of a run are read.
pub(super) struct Surroundings<'a> {
    pub args: &'a RunArgs,
    pub request: &'a Request,
    pub ledger: &'a Ledger,
    /// Makes fingerprints; absent where there is no key for it.
    pub fingerprinter: Option<Fingerprinter>,
    /// Notified of every answer from a source of secrets.
    pub progress: Progress,
}

/// Checks the names that the settings give, and looks up every secret that the files
/// name.
pub(super) async fn desired(
    manifest: Manifest,
    files: Files,
    surroundings: Surroundings<'_>,
) -> Result<Desired, Failure> {
    let Surroundings {
        args,
        request,
        ledger,
        fingerprinter,
        progress,
    } = surroundings;
    check_names(request, &KnownNames::of(&manifest, ledger))?;
    let of_deletions = deletion_references(ledger, request.policy, &request.allow_replace);
    let references = secrets::bound(args, &manifest, &of_deletions);
    let mut providers = secrets::providers(
        &args.files.references,
        &args.vault,
        &args.files.dir,
        &references,
    )?;
    providers.progress = progress;
    let secrets = resolve(references, &providers).await;
    Ok(Desired {
        manifest,
        files,
        secrets,
        fingerprinter,
    })
}

/// The same without any real secret, for a tenant in this process.
pub(super) fn simulated(
    manifest: Manifest,
    files: Files,
    request: &Request,
) -> Result<Desired, Failure> {
    check_names(request, &KnownNames::of(&manifest, &Ledger::default()))?;
    Ok(Desired {
        secrets: Secrets::placeholders(manifest.references()),
        manifest,
        files,
        fingerprinter: None,
    })
}

/// The names that the settings give must be those of something.
pub(super) fn check_names(request: &Request, known: &KnownNames) -> Result<(), Failure> {
    let mut unknown = known.unknown_of(&request.selection);
    let replaced = request.allow_replace.iter();
    unknown.extend(replaced.filter(|name| !known.is_of_file(name)).cloned());
    let resent = request.resend.names.iter();
    unknown.extend(resent.filter(|name| !known.is_of_file(name)).cloned());
    if !unknown.is_empty() {
        return Err(no_such_names(&unknown, known));
    }
    let mut resent = request.resend.names.iter();
    match resent.find(|name| !request.selection.includes(name)) {
        None => Ok(()),
        Some(name) => Err(Failure::new(
            Exit::Usage,
            format_args!("the secrets of {name} cannot be sent: the run leaves it out"),
            "give `--resend-secrets` only names that `--only` and `--exclude` leave in",
        )),
    }
}

/// The most names that a message lists.
const LISTED: usize = 12;

fn no_such_names(unknown: &[Name], known: &KnownNames) -> Failure {
    let what = format!("no integration is named {}", unknown.join(" or "));
    let described: BTreeSet<&str> = known.described().collect();
    if described.len() > LISTED {
        let help = "`integrationd validate -o json` lists the names";
        return Failure::new(Exit::Usage, what, help);
    }
    let described: Vec<&str> = described.into_iter().collect();
    let help = format!("the files describe {}", described.join(", "));
    Failure::new(Exit::Usage, what, help)
}
