//! The files and values of own credentials, as this machine has them.

use std::path::{Path, PathBuf};

use url::Url;

use super::credential::OwnCredential;
use super::environment::ProviderEnvironment;
use super::machine::CREDENTIALS;
use super::own::{PROXIES, own_credentials};
use super::{Secret, confined};

/// The files with own credentials.
pub(super) fn own_files(environment: &ProviderEnvironment) -> Vec<PathBuf> {
    let below = |(variable, path): &(&str, &str)| {
        environment(variable).map(|base| Path::new(&base).join(path))
    };
    let directory = environment(CREDENTIALS);
    let mut files = Vec::new();
    for own in own_credentials() {
        let named = own.file_variables().filter_map(environment);
        files.extend(named.map(PathBuf::from));
        files.extend(own.places.iter().filter_map(below));
        let credential = own.credential.zip(directory.as_ref());
        files.extend(credential.map(|(name, directory)| Path::new(directory).join(name)));
    }
    files
}

/// The values of own credentials.
pub struct OwnValues(Vec<Secret>);

impl OwnValues {
    /// True if a text equals one of them, apart from surrounding white space.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        let text = text.trim();
        self.0.iter().any(|own| own.expose().trim() == text)
    }

    pub(super) fn values(&self) -> &[Secret] {
        &self.0
    }
}

/// The values of own credentials: those of the variables, of the files, and the
/// logins of proxies.
pub(super) fn own_values(environment: &ProviderEnvironment, files: &[PathBuf]) -> OwnValues {
    let variable = |name: &str| environment(name)?.into_string().ok();
    let names = own_credentials().flat_map(OwnCredential::value_variables);
    let mut values: Vec<Secret> = names.filter_map(variable).map(Secret::new).collect();
    let names = PROXIES
        .iter()
        .flat_map(|name| [(*name).to_owned(), name.to_lowercase()]);
    for url in names.filter_map(|name| variable(&name)) {
        values.extend(login_of(&url));
    }
    // A file that is not there holds nothing.
    values.extend(
        files
            .iter()
            .filter_map(|path| confined::read_own(path).ok()),
    );
    values.retain(|value| !value.expose().trim().is_empty());
    OwnValues(values)
}

/// The URL of a proxy with a password in it, and the password.
fn login_of(url: &str) -> Vec<Secret> {
    let with_scheme = if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    };
    let Ok(parsed) = Url::parse(&with_scheme) else {
        return Vec::new();
    };
    let Some(password) = parsed.password() else {
        return Vec::new();
    };
    let decoded = decoded(password);
    let pair = format!("{}:{decoded}", parsed.username());
    let texts = [url.to_owned(), password.to_owned(), decoded, pair];
    texts.map(Secret::new).into()
}

/// A part of a URL as it was before it was put there.
fn decoded(text: &str) -> String {
    // In a form, a `+` would be a space.
    let query = format!("v={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_are_found_from_the_environment() {
        let environment: ProviderEnvironment = Box::new(|name| match name {
            "IMMUTA_API_KEY_FILE" => Some("/run/keys/a".into()),
            "SOPS_AGE_KEY_FILE" => Some("/run/keys/age".into()),
            "XDG_CONFIG_HOME" => Some("/c".into()),
            "CREDENTIALS_DIRECTORY" => Some("/run/c".into()),
            _ => None,
        });
        let own = own_files(&environment);
        for path in [
            "/run/keys/a",
            "/run/keys/age",
            "/c/sops/age/keys.txt",
            "/run/c/immuta-api-key",
            "/run/c/integrationd-fingerprint-key",
            "/run/c/integrationd-webhook-secret",
        ] {
            assert!(own.contains(&PathBuf::from(path)), "{path}");
        }
    }

    #[test]
    fn login_of_a_proxy_is_own_in_every_part() {
        let environment: ProviderEnvironment = Box::new(|name| {
            (name == "https_proxy").then(|| "http://user:p%40ss-word@proxy.example.com:3128".into())
        });
        let own = own_values(&environment, &[]);
        for value in ["p@ss-word", "p%40ss-word", "user:p@ss-word", " p@ss-word\n"] {
            assert!(own.has(value), "{value}");
        }
        for value in ["user", "proxy.example.com", ""] {
            assert!(!own.has(value), "{value}");
        }
    }
}
