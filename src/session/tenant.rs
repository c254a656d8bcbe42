//! The connection to the tenant. Nothing is sent here.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::error::{TenantError, UnreadableSecret};
use crate::immuta::{
    ApiKey, Credentials, HttpSettings, HttpTransport, KnownSecrets, Reader, RetryPolicy, TenantUrl,
};
use crate::net::ExchangeObserver;
use crate::secret::own::API_KEY;
use crate::secret::{OwnCredential, Secret, SecretInput};
use crate::settings::run::{Auth, TenantSettings};
use crate::settings::{self, Environment, Flags};

/// The largest file that is read for a key, which has some dozens of bytes.
const LARGEST_KEY_FILE: usize = 16 * 1024;

/// A tenant that can be asked.
pub struct Tenant {
    /// Its URL, as ledgers are named after it.
    pub url: String,
    transport: HttpTransport,
    credentials: Credentials,
    retry: RetryPolicy,
}

impl Tenant {
    /// Sets up the connection. `observer` is notified of every exchange.
    ///
    /// # Errors
    /// A setting is missing or wrong, or a file cannot be read.
    pub fn new(
        settings: &TenantSettings,
        retry: RetryPolicy,
        observer: Option<Arc<dyn ExchangeObserver>>,
    ) -> Result<Self, TenantError> {
        let url = tenant_url(settings)?;
        let key = key(settings)?;
        let credentials = match settings.auth {
            Auth::Key => Credentials::ApiKey(key),
            Auth::Token => Credentials::Exchange(key),
        };
        let shown = url.to_string();
        let transport = transport(settings, url, observer)?;
        Ok(Self {
            url: shown,
            transport,
            credentials,
            retry,
        })
    }

    /// A client that takes these secrets, and its own, out of whatever the server says.
    #[must_use]
    pub fn reader(self, known: KnownSecrets) -> Reader<HttpTransport> {
        Reader::new(self.transport, self.credentials, self.retry, known)
    }
}

/// Checks these settings without using them. What is absent may come from the environment
/// of the service.
pub fn check(settings: &TenantSettings) -> impl Iterator<Item = TenantError> {
    let url = tenant_url(settings);
    let reached = url.and_then(|url| transport(settings, url, None).map(drop));
    let found = [reached, key(settings).map(drop)];
    let wrong = found.into_iter().filter_map(Result::err);
    wrong.filter(|error| !error.is_absence())
}

/// The tenant's URL, as ledgers are named after it.
///
/// # Errors
/// None is given, two are, or it is none.
pub fn url(settings: &TenantSettings) -> Result<String, TenantError> {
    Ok(tenant_url(settings)?.to_string())
}

fn transport(
    settings: &TenantSettings,
    url: TenantUrl,
    observer: Option<Arc<dyn ExchangeObserver>>,
) -> Result<HttpTransport, TenantError> {
    let settings = HttpSettings {
        ca_files: settings.ca_files.clone(),
        observer,
        ..HttpSettings::new(url)
    };
    Ok(HttpTransport::new(&settings)?)
}

fn key(settings: &TenantSettings) -> Result<ApiKey, TenantError> {
    let flags = Flags {
        url: None,
        api_key_file: settings.api_key_file.clone(),
    };
    let env = |name: &str| std::env::var_os(name);
    let source = settings::api_key(&flags, &env, &credential)?;
    Ok(ApiKey::new(read_secret(&API_KEY, source)?)?)
}

fn tenant_url(settings: &TenantSettings) -> Result<TenantUrl, TenantError> {
    let flags = Flags {
        url: settings.url.clone(),
        api_key_file: None,
    };
    let env = |name: &str| std::env::var_os(name);
    Ok(TenantUrl::parse(&settings::url(&flags, &env)?)?)
}

/// A credential that systemd passed in, if it did.
#[must_use]
pub fn credential(name: &str) -> Option<PathBuf> {
    credential_of(name, &|variable: &str| std::env::var_os(variable))
}

/// A credential that systemd passed in, by this environment.
#[must_use]
pub fn credential_of(name: &str, env: Environment<'_>) -> Option<PathBuf> {
    let directory = env("CREDENTIALS_DIRECTORY")?;
    Some(Path::new(&directory).join(name)).filter(|path| path.exists())
}

/// Reads an own credential, without the end of its line.
///
/// # Errors
/// Its file cannot be read.
pub fn read_secret(own: &OwnCredential, source: SecretInput) -> Result<Secret, UnreadableSecret> {
    match source {
        SecretInput::Value(secret) => Ok(secret),
        SecretInput::File(path) => match read_text(&path) {
            Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(source) => Err(UnreadableSecret {
                what: own.what,
                path,
                source,
            }),
        },
    }
}

/// Reads a file, or a pipe, into one buffer that is wiped: growing would keep pieces of the key
/// in freed memory.
fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(LARGEST_KEY_FILE + 1));
    let limit = LARGEST_KEY_FILE as u64 + 1;
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    if text.len() > LARGEST_KEY_FILE {
        return Err(io::Error::other("the file is too large for a credential"));
    }
    Ok(text)
}
