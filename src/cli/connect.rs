//! From arguments to what the pipeline needs: files, secrets, a tenant.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::args::{Auth, ConnectionArgs, FilesArgs};
use super::failure::Failure;
use super::terminal::Terminal;
use crate::immuta::{
    ApiKey, ApiKeyError, Credentials, HttpSettings, HttpSetupError, HttpTransport, KnownSecrets,
    Reader, RetryPolicy, TenantUrl, TenantUrlError,
};
use crate::manifest::{self, Bindings, Manifest};
use crate::net::ExchangeObserver;
use crate::platform::PLATFORMS;
use crate::report::exit::Exit;
use crate::secret::Secret;
use crate::settings::{self, Environment, Flags, KeySource, SettingsError};
use crate::source::{SeenDirectory, Snapshot, SourceError, read_directory};
use crate::text::{chain, escaped};

/// The largest file that is read for a key, which has some dozens of bytes.
const LARGEST_KEY_FILE: usize = 16 * 1024;

/// A tenant, and how it is reached.
pub(super) struct Tenant {
    pub url: String,
    transport: HttpTransport,
    credentials: Credentials,
    retry: RetryPolicy,
}

impl Tenant {
    /// A client of it that shows none of these secrets.
    pub(super) fn reader(self, known: KnownSecrets) -> Reader<HttpTransport> {
        Reader::new(self.transport, self.credentials, self.retry, known)
    }
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the tenant's URL cannot be used")]
    Url(#[from] TenantUrlError),
    #[error("the API key cannot be read from {}", .path.display())]
    KeyFile { path: PathBuf, source: io::Error },
    #[error("the API key cannot be used")]
    Key(#[from] ApiKeyError),
    #[error(transparent)]
    Http(#[from] HttpSetupError),
}

impl ConnectError {
    fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::Url(_) => {
                "give the one that the browser shows, such as https://acme.hosted.immutacloud.com"
            }
            Self::KeyFile { .. } => "check the path and who may read it",
            Self::Key(_) => "a key is made on the profile page of Immuta, tab API Keys",
            Self::Http(_) => "check the certificates that `--ca-file` names",
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::new(Exit::InvalidSettings, chain(&error), error.help())
    }
}

/// Sets up the connection; sends nothing yet.
pub(super) fn tenant(args: &ConnectionArgs, retry: RetryPolicy) -> Result<Tenant, ConnectError> {
    observed_tenant(args, retry, None)
}

/// The same, with somebody who is told of every exchange.
pub(super) fn observed_tenant(
    args: &ConnectionArgs,
    retry: RetryPolicy,
    observer: Option<Arc<dyn ExchangeObserver>>,
) -> Result<Tenant, ConnectError> {
    let url = tenant_url(args.url.as_deref())?;
    let key = key(args)?;
    let credentials = match args.auth {
        Auth::Key => Credentials::ApiKey(key),
        Auth::Token => Credentials::Exchange(key),
    };
    let shown = url.to_string();
    let transport = transport(args, url, observer)?;
    Ok(Tenant {
        url: shown,
        transport,
        credentials,
        retry,
    })
}

/// Whether a tenant could be set up, as far as it is named here: the environment of
/// the service may say more.
pub(super) fn check(args: &ConnectionArgs) -> impl Iterator<Item = Failure> {
    let url = tenant_url(args.url.as_deref());
    let reached = url.and_then(|url| transport(args, url, None).map(drop));
    let found = [reached, key(args).map(drop)];
    let wrong = found.into_iter().filter_map(Result::err);
    let wrong = wrong.filter(|error| {
        let is_missing =
            |e: &SettingsError| matches!(e, SettingsError::NoUrl | SettingsError::NoKey);
        !matches!(error, ConnectError::Settings(error) if is_missing(error))
    });
    wrong.map(Failure::from)
}

fn transport(
    args: &ConnectionArgs,
    url: TenantUrl,
    observer: Option<Arc<dyn ExchangeObserver>>,
) -> Result<HttpTransport, ConnectError> {
    let settings = HttpSettings {
        ca_files: args.ca_file.clone(),
        observer,
        ..HttpSettings::new(url)
    };
    Ok(HttpTransport::new(&settings)?)
}

fn key(args: &ConnectionArgs) -> Result<ApiKey, ConnectError> {
    let flags = Flags {
        url: None,
        api_key_file: args.api_key_file.clone(),
    };
    let env = |name: &str| std::env::var_os(name);
    let source = settings::api_key(&flags, &env, &credential)?;
    Ok(ApiKey::new(read_key(source)?)?)
}

/// The tenant's URL, as ledgers are named after it.
pub(super) fn url(flag: Option<&str>) -> Result<String, ConnectError> {
    Ok(tenant_url(flag)?.to_string())
}

fn tenant_url(flag: Option<&str>) -> Result<TenantUrl, ConnectError> {
    let flags = Flags {
        url: flag.map(str::to_owned),
        api_key_file: None,
    };
    let env = |name: &str| std::env::var_os(name);
    Ok(TenantUrl::parse(&settings::url(&flags, &env)?)?)
}

/// A credential that systemd passed in, if it did.
pub(super) fn credential(name: &str) -> Option<PathBuf> {
    credential_of(name, &|variable: &str| std::env::var_os(variable))
}

/// The same, by this environment.
pub(super) fn credential_of(name: &str, env: Environment<'_>) -> Option<PathBuf> {
    let directory = env("CREDENTIALS_DIRECTORY")?;
    Some(Path::new(&directory).join(name)).filter(|path| path.exists())
}

fn read_key(source: KeySource) -> Result<Secret, ConnectError> {
    read_secret(source).map_err(|(path, source)| ConnectError::KeyFile { path, source })
}

/// The secret, without the end of its line; or the file that cannot be read.
pub(super) fn read_secret(source: KeySource) -> Result<Secret, (PathBuf, io::Error)> {
    match source {
        KeySource::Value(secret) => Ok(secret),
        KeySource::File(path) => match read_text(&path) {
            Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(source) => Err((path, source)),
        },
    }
}

/// Reads a file, or a pipe, into one buffer that is wiped: growing would leave
/// pieces of the key in freed memory.
fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(LARGEST_KEY_FILE + 1));
    let limit = LARGEST_KEY_FILE as u64 + 1;
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    if text.len() > LARGEST_KEY_FILE {
        return Err(io::Error::other("it is larger than any key"));
    }
    Ok(text)
}

/// Reads and checks the files of a directory.
pub(super) fn manifest(
    args: &FilesArgs,
    terminal: Terminal,
) -> Result<(Manifest, SeenDirectory), SourceError> {
    let read = read_directory(&args.dir);
    let seen = SeenDirectory::now(&args.dir, &read);
    let bindings = args.references.bindings(&args.dir);
    let place = args.dir.display().to_string();
    let manifest = load(args, &bindings, (&place, &read?), terminal);
    Ok((manifest, seen))
}

/// Checks files. None at all is probably not what is meant.
pub(super) fn load(
    args: &FilesArgs,
    bindings: &Bindings,
    (place, snapshot): (&str, &Snapshot),
    terminal: Terminal,
) -> Manifest {
    if snapshot.files.is_empty() {
        terminal.warning(
            format_args!("there are no integration files in {}", escaped(place)),
            "their names end in .yaml, .yml or .json, and do not begin with a dot",
        );
    }
    let vars = args.var.iter().cloned().collect();
    manifest::load_bound(&snapshot.root, &snapshot.files, &vars, bindings, PLATFORMS)
}
