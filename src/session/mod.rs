//! The one way in: from settings to a run that can be planned and applied.
//!
//! ```text
//! settings ─► Session ─► Opened ─► Prepared ─► plan, sync, adopt
//!             tenant,    files,    secrets,
//!             ledger     bindings  client
//! ```
//!
//! Each value is made by the one before it, and by nothing else: no step can be left out
//! or taken in another order. A client knows the secrets of its run, a manifest its
//! bindings and the files with own credentials, and names in the settings are those of
//! integrations, whichever command asks.

pub mod adopt;
mod entry;
mod error;
pub mod explain;
pub mod export;
pub mod git;
mod names;
pub mod profile;
mod rejected_revision;
mod request;
pub mod resolve;
pub mod script;
mod secrets;
pub mod snippet;
mod source;
pub mod state;
pub mod suspend;
pub mod tenant;
pub mod update;
mod watcher;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::apply::Stop;
use crate::diagnostic::Diagnostic;
use crate::embedded::Embedded;
use crate::immuta::{ApiKey, Credentials, HttpTransport, Reader, RetryPolicy, Transport};
use crate::ledger::place::Trust;
use crate::ledger::{Ledger, LedgerStore, MemoryLedger};
use crate::manifest::{Manifest, Name};
use crate::net::ExchangeObserver;
use crate::plan::{AdoptedSecrets, Adoption, KnownNames, Operator, PlanDigest, Resend};
use crate::progress::Progress;
use crate::secret::{Secret, Secrets};
use crate::settings::run::RunSettings;
use crate::simulator::{API_KEY, Simulator, SimulatorOptions};
use crate::source::git::{CommitId, Revision};
use crate::sync::{self, Desired, Files, Request, RunTrigger, Shell, SyncError, Synced};

pub use entry::{HeldSession, LedgerEntry};
pub use error::{GitSettingsError, OpenError, TenantError, UnreadableSecret};
use names::outlasted;
pub use names::{UnknownNames, check_names, check_removals, unknown_removals};
pub use rejected_revision::RejectedRevision;
use request::{check_request, request};
pub use secrets::{SecretSelection, declared_bindings};
pub use source::{Source, check_directory, check_variables, read_files};
pub use state::Access;
pub use tenant::Tenant;
pub use watcher::Watcher;

/// The name of the simulated tenant, for people.
const SIMULATED: &str = "the simulated tenant";

/// A tenant and its ledger.
#[derive(Clone)]
pub struct Session {
    tenant: String,
    /// The flag that names the state directory.
    state: Option<PathBuf>,
    trust: Trust,
    access: Access,
    store: Arc<dyn LedgerStore>,
}

impl Session {
    /// Opens the ledger of the tenant that the settings name.
    ///
    /// # Errors
    /// The tenant's URL is missing, or the ledger cannot be opened.
    pub fn open(
        settings: &RunSettings,
        entry: impl Into<LedgerEntry>,
        access: Access,
    ) -> Result<Self, OpenError> {
        let trust = match entry.into() {
            LedgerEntry::Own(trust) => trust,
            LedgerEntry::Held(session) => return Ok(session),
        };
        let tenant = tenant::url(&settings.tenant)?;
        let state = settings.state.clone();
        let store = state::open(state.as_deref(), trust, &tenant, access)?;
        Ok(Self {
            tenant,
            state,
            trust,
            access,
            store,
        })
    }

    /// Opens the ledger and reads the files. A directory is read first, so that mistakes in
    /// it are reported although no tenant is set up yet; a revision has to follow the one
    /// that the ledger names.
    ///
    /// # Errors
    /// As for [`Session::open`] and [`Session::files`].
    pub async fn open_with_files(
        settings: &RunSettings,
        entry: impl Into<LedgerEntry>,
        access: Access,
        watcher: &dyn Watcher,
    ) -> Result<(Self, Opened), OpenError> {
        if settings.git.is_some() {
            let session = Self::open(settings, entry, access)?;
            let opened = session.files(settings, watcher).await?;
            return Ok((session, opened));
        }
        let contents = Source::Directory.read(settings, None, watcher).await?;
        let session = Self::open(settings, entry, access)?;
        let ledger = session.store.read().await?;
        let opened = Opened::new(contents, ledger, watcher);
        Ok((session, opened))
    }

    /// A simulated tenant in this process, whose ledger ends with it.
    #[must_use]
    pub fn simulated() -> Self {
        Self::in_memory(SIMULATED)
    }

    /// An empty ledger in this process, for a tenant of this name.
    fn in_memory(tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            state: None,
            trust: Trust::Own,
            access: Access::DryRun,
            store: Arc::new(MemoryLedger::default()),
        }
    }

    /// The tenant's URL.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The ledger.
    #[must_use]
    pub fn store(&self) -> &dyn LedgerStore {
        self.store.as_ref()
    }

    /// Connects to the tenant, for a command that reads no files.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn connect(&self, settings: &RunSettings, retry: RetryPolicy) -> Result<Tenant, OpenError> {
        Ok(Tenant::new(&settings.tenant, retry, None)?)
    }

    /// Reads the ledger and the files.
    ///
    /// # Errors
    /// The source or the ledger cannot be read, or a revision must not be applied.
    pub async fn files(
        &self,
        settings: &RunSettings,
        watcher: &dyn Watcher,
    ) -> Result<Opened, OpenError> {
        let source = Source::of(settings)?;
        let ledger = self.store.read().await?;
        let applied = ledger.carried_out.as_deref();
        let applied = applied.and_then(|id| CommitId::parse(id).ok());
        let contents = source.read(settings, applied, watcher).await?;
        Ok(Opened::new(contents, ledger, watcher))
    }

    /// Resolves the secrets of a run, and connects to the tenant.
    ///
    /// # Errors
    /// A setting is missing or wrong, a name is that of no integration, or the ledger
    /// cannot be read.
    pub async fn prepare(
        &self,
        settings: &RunSettings,
        opened: Opened,
        mut options: Preparation<'_>,
    ) -> Result<Prepared<HttpTransport>, OpenError> {
        let observer = options.observer.take();
        let tenant = Tenant::new(&settings.tenant, RetryPolicy::default(), observer)?;
        let revision = opened.revision.clone();
        let (desired, request) = self.desired(settings, opened, options).await?;
        Ok(Prepared {
            tenant: self.tenant.clone(),
            store: Arc::clone(&self.store),
            reader: tenant.reader(desired.known_secrets()),
            revision,
            desired,
            request,
        })
    }

    /// Resolves the secrets of a run, without a connection to the tenant.
    async fn desired(
        &self,
        settings: &RunSettings,
        opened: Opened,
        options: Preparation<'_>,
    ) -> Result<(Desired, Request), OpenError> {
        let Preparation {
            wishes,
            lookup,
            observer: _,
            progress,
        } = options;
        let state = self.state.as_deref();
        let fingerprinter = match lookup {
            // No fingerprint is made of unresolved references.
            SecretSelection::Nothing => None,
            SecretSelection::All | SecretSelection::Of(_) => {
                state::fingerprinter(state, self.trust, &self.tenant, self.access)?
            }
        };
        let known_before = wishes.known_before.clone();
        let mut request = request(settings, &opened, wishes);
        let suspended = self.store.suspensions().await;
        request.suspended = suspended.map_err(OpenError::Suspensions)?;
        if let Err(unknown) = check_request(&request, &opened) {
            let known_before = known_before.ok_or_else(|| unknown.clone())?;
            let history = self.store.history(1).await?;
            outlasted(unknown, &known_before, &history)?;
        }
        let (manifest, ledger) = (&opened.manifest, &opened.ledger);
        let secrets = secrets::resolved(settings, manifest, ledger, lookup, progress).await?;
        let desired = Desired {
            manifest: opened.manifest,
            files: opened.files,
            secrets,
            fingerprinter,
        };
        Ok((desired, request))
    }

    /// Connects to a simulated tenant. No secret is resolved.
    ///
    /// # Errors
    /// A name is that of no integration.
    pub fn simulate(
        &self,
        settings: &RunSettings,
        opened: Opened,
        wishes: Wishes,
    ) -> Result<Prepared<Embedded>, OpenError> {
        let request = request(settings, &opened, wishes);
        check_request(&request, &opened)?;
        let desired = Desired {
            secrets: Secrets::placeholders(opened.manifest.references()),
            manifest: opened.manifest,
            files: opened.files,
            fingerprinter: None,
        };
        let key = ApiKey::new(Secret::new(API_KEY.to_owned())).map_err(TenantError::from)?;
        let reader = Reader::new(
            Embedded(Simulator::new(SimulatorOptions::default())),
            Credentials::ApiKey(key),
            RetryPolicy::default(),
            desired.known_secrets(),
        );
        Ok(Prepared {
            tenant: self.tenant.clone(),
            store: Arc::clone(&self.store),
            reader,
            revision: opened.revision,
            desired,
            request,
        })
    }
}

/// Files that were read, and the ledger as it was then.
pub struct Opened {
    manifest: Manifest,
    files: Files,
    revision: Option<Revision>,
    ledger: Ledger,
}

impl Opened {
    fn new(contents: source::Contents, ledger: Ledger, watcher: &dyn Watcher) -> Self {
        let source::Contents {
            manifest,
            files,
            revision,
        } = contents;
        watcher.names(&|| KnownNames::of(&manifest, &ledger));
        Self {
            manifest,
            files,
            revision,
            ledger,
        }
    }

    /// The contents of the files.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The revision of the files; `None` for a directory.
    #[must_use]
    pub fn revision(&self) -> Option<&Revision> {
        self.revision.as_ref()
    }

    /// The ledger, as it was before the files were read.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

/// Options of [`Session::prepare`].
pub struct Preparation<'a> {
    /// The operator's wishes for this run.
    pub wishes: Wishes,
    /// The secrets that are resolved.
    pub lookup: SecretSelection<'a>,
    /// Notified of every exchange with the tenant.
    pub observer: Option<Arc<dyn ExchangeObserver>>,
    /// Notified of every answer from a source of secrets.
    pub progress: Progress,
}

impl Preparation<'_> {
    /// All secrets, without observers.
    #[must_use]
    pub fn new(wishes: Wishes) -> Self {
        Self {
            wishes,
            lookup: SecretSelection::All,
            observer: None,
            progress: Progress::default(),
        }
    }
}

/// Requests for one run, in addition to its settings.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Integrations whose contested values are repaired.
    pub operator: Operator,
    /// Integrations whose secrets are sent again.
    pub resend: Resend,
    /// The reason for the run.
    pub trigger: RunTrigger,
    /// The only plan that may be applied, if one was approved before.
    pub expect: Option<PlanDigest>,
    /// Integrations that failed a moment ago, and when each may be written again.
    pub backing_off: BTreeMap<Name, jiff::Timestamp>,
    /// True if writes that the server rejected are retried later.
    pub respects_rejections: bool,
    /// Names in the settings that earlier runs of this process knew: settings that are kept
    /// outlast an integration. `None` for a run whose names are given to it alone.
    pub known_before: Option<BTreeSet<Name>>,
}

/// A run that can be planned and applied.
pub struct Prepared<T> {
    tenant: String,
    store: Arc<dyn LedgerStore>,
    reader: Reader<T>,
    revision: Option<Revision>,
    desired: Desired,
    request: Request,
}

/// The result of a run, and what it was made from.
#[derive(Debug)]
pub struct RunResult {
    /// The tenant's URL.
    pub tenant: String,
    /// The moment of the run.
    pub time: jiff::Timestamp,
    /// The source of the files.
    pub source: String,
    /// Their revision; `None` for a directory.
    pub revision: Option<Revision>,
    /// The reason for the run.
    pub trigger: RunTrigger,
    /// Mistakes in the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The plan, and what became of it.
    pub synced: Synced,
}

impl<T: Transport> Prepared<T> {
    /// The tenant's URL.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Makes the plan and stops.
    ///
    /// # Errors
    /// The tenant or the ledger could not be read.
    pub async fn dry_run(self) -> Result<RunResult, SyncError> {
        let ledger = self.store.read().await?;
        let synced = sync::dry_run(&self.reader, &self.desired, &self.request, &ledger).await?;
        Ok(RunResult {
            tenant: self.tenant,
            time: self.request.now,
            source: self.request.source,
            revision: self.revision,
            trigger: self.request.trigger,
            diagnostics: self.desired.manifest.diagnostics,
            synced,
        })
    }

    /// Makes the plan, carries it out if it is approved, and proves that nothing is left.
    ///
    /// # Errors
    /// The tenant or the ledger could not be read; nothing was written.
    pub async fn sync(self, shell: &impl Shell, stop: &Stop) -> Result<RunResult, SyncError> {
        let Self {
            tenant,
            store,
            reader,
            revision,
            desired,
            request,
        } = self;
        let (into, store) = (Reader::into_writer, store.as_ref());
        let synced = sync::sync(reader, into, &desired, &request, store, shell, stop).await?;
        Ok(RunResult {
            tenant,
            time: request.now,
            source: request.source,
            revision,
            trigger: request.trigger,
            diagnostics: desired.manifest.diagnostics,
            synced,
        })
    }

    /// Finds the live integrations of the named files, or of all, to adopt them.
    ///
    /// # Errors
    /// The tenant or the ledger could not be read.
    pub async fn adopt(
        &self,
        names: &HashSet<&str>,
        secrets: AdoptedSecrets,
    ) -> Result<Vec<Adoption>, SyncError> {
        let (reader, desired, request) = (&self.reader, &self.desired, &self.request);
        let ledger = self.store.read().await?;
        Ok(sync::adopt(reader, desired, request, &ledger, names, secrets).await?)
    }
}
