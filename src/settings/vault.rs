//! Settings of Vault and its login: flag, then environment.
//!
//! The environment variables of Vault's own tools are read as well. Exactly one login must be
//! given, completely: with two, the intended one is unknown.

use std::path::PathBuf;

use super::{Environment, SettingsError, named_secret, text};
use crate::net::{ServerUrl, ServerUrlError};
use crate::secret::vault::{JWT, SECRET_ID, TOKEN};
use crate::secret::{OwnCredential, SecretInput, VaultLogin, VaultSettings};

/// Flags about Vault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultFlags {
    /// `--vault-token-file`.
    pub token_file: Option<PathBuf>,
    /// `--vault-role-id`.
    pub role_id: Option<String>,
    /// `--vault-secret-id-file`.
    pub secret_id_file: Option<PathBuf>,
    /// `--vault-jwt-role`.
    pub jwt_role: Option<String>,
    /// `--vault-jwt-file`.
    pub jwt_file: Option<PathBuf>,
    /// `--vault-auth-mount`.
    pub auth_mount: Option<String>,
}

/// A setting for Vault that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultSettingsError {
    /// An error that every setting can have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Not an address.
    #[error("`VAULT_ADDR` is invalid")]
    Url(#[from] ServerUrlError),
    /// No way to log in.
    #[error("`VAULT_ADDR` is set, but no login to Vault is configured")]
    NoLogin,
    /// Half a way.
    #[error("`{given}` is set without `{missing}`")]
    Half {
        /// The given setting.
        given: &'static str,
        /// The missing setting.
        missing: &'static str,
    },
}

impl VaultSettingsError {
    /// The remedy.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Settings(error) => error.help(),
            Self::Url(_) => {
                "give the address that the `vault` command uses, such as \
                https://vault.example.com:8200"
            }
            Self::NoLogin => {
                "set VAULT_TOKEN or VAULT_TOKEN_FILE; or INTEGRATIOND_VAULT_ROLE_ID and INTEGRATIOND_VAULT_SECRET_ID_FILE; or INTEGRATIOND_VAULT_JWT_ROLE and INTEGRATIOND_VAULT_JWT_FILE"
            }
            Self::Half { .. } => "set both to log in to Vault",
        }
    }
}

const ADDRESS: &str = "VAULT_ADDR";
const NAMESPACE: &str = "VAULT_NAMESPACE";
const CA_FILE: &str = "VAULT_CACERT";
pub(super) const ROLE_ID: &str = "INTEGRATIOND_VAULT_ROLE_ID";
pub(super) const JWT_ROLE: &str = "INTEGRATIOND_VAULT_JWT_ROLE";
pub(super) const MOUNT: &str = "INTEGRATIOND_VAULT_AUTH_MOUNT";

/// The settings; `None` if nothing names a server.
///
/// # Errors
/// Something is missing or wrong, or two ways to log in are given.
pub fn vault(
    flags: &VaultFlags,
    env: Environment<'_>,
) -> Result<Option<VaultSettings>, VaultSettingsError> {
    let Some(address) = text(env, ADDRESS)? else {
        return Ok(None);
    };
    Ok(Some(VaultSettings {
        url: ServerUrl::parse(&address)?,
        namespace: text(env, NAMESPACE)?,
        ca_files: text(env, CA_FILE)?.map(PathBuf::from).into_iter().collect(),
        login: login(flags, env)?,
    }))
}

fn login(flags: &VaultFlags, env: Environment<'_>) -> Result<VaultLogin, VaultSettingsError> {
    let mount = given(flags.auth_mount.as_ref(), env, MOUNT)?;
    let mounted = |usual: &str| mount.clone().unwrap_or_else(|| usual.to_owned());
    let role_id = given(flags.role_id.as_ref(), env, ROLE_ID)?;
    let secret_id = input(&SECRET_ID, flags.secret_id_file.as_ref(), env)?;
    let jwt_role = given(flags.jwt_role.as_ref(), env, JWT_ROLE)?;
    let jwt = input(&JWT, flags.jwt_file.as_ref(), env)?;
    let app_role = both(ROLE_ID, role_id, &SECRET_ID, secret_id)?.map(|(role_id, secret_id)| {
        let login = VaultLogin::AppRole {
            mount: mounted("approle"),
            role_id,
            secret_id,
        };
        (ROLE_ID, login)
    });
    let jwt = both(JWT_ROLE, jwt_role, &JWT, jwt)?.map(|(role, jwt)| {
        let mount = mounted("jwt");
        (JWT_ROLE, VaultLogin::Jwt { mount, role, jwt })
    });
    let token = input(&TOKEN, flags.token_file.as_ref(), env)?;
    let token = token.map(|(name, input)| (name, VaultLogin::Token(input)));
    let mut ways = [token, app_role, jwt].into_iter().flatten();
    match (ways.next(), ways.next()) {
        (Some((_, login)), None) => Ok(login),
        (None, _) => Err(VaultSettingsError::NoLogin),
        (Some((first, _)), Some((second, _))) => Err(SettingsError::Twice { first, second }.into()),
    }
}

/// A secret to log in with, and the name under which it is given. systemd passes none in.
fn input(
    own: &OwnCredential,
    flag: Option<&PathBuf>,
    env: Environment<'_>,
) -> Result<Option<(&'static str, SecretInput)>, SettingsError> {
    named_secret(own, flag, env, &|_| None)
}

/// A flag, or else the variable of its name.
fn given(
    flag: Option<&String>,
    env: Environment<'_>,
    name: &'static str,
) -> Result<Option<String>, SettingsError> {
    match flag {
        Some(flag) => Ok(Some(flag.clone())),
        None => text(env, name),
    }
}

/// A name and a secret, which make no sense alone.
fn both(
    name: &'static str,
    value: Option<String>,
    own: &OwnCredential,
    secret: Option<(&'static str, SecretInput)>,
) -> Result<Option<(String, SecretInput)>, VaultSettingsError> {
    match (value, secret) {
        (Some(value), Some((_, secret))) => Ok(Some((value, secret))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(VaultSettingsError::Half {
            given: name,
            missing: own.file.unwrap_or_default(),
        }),
        (None, Some((given, _))) => Err(VaultSettingsError::Half {
            given,
            missing: name,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::secret::Secret;

    const TOKEN: &str = "VAULT_TOKEN";
    const TOKEN_FILE: &str = "VAULT_TOKEN_FILE";
    const SECRET_ID_FILE: &str = "INTEGRATIOND_VAULT_SECRET_ID_FILE";
    const JWT_FILE: &str = "INTEGRATIOND_VAULT_JWT_FILE";

    fn read(pairs: &[(&str, &str)], flags: &VaultFlags) -> Result<Option<VaultSettings>, String> {
        let env = |name: &str| {
            let found = pairs.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| OsString::from(value))
        };
        vault(flags, &env).map_err(|error| format!("{error}; {}", error.help()))
    }

    fn login(pairs: &[(&str, &str)]) -> Result<VaultLogin, String> {
        let address = [("VAULT_ADDR", "https://vault.example:8200")];
        let all: Vec<_> = address.iter().chain(pairs).copied().collect();
        Ok(read(&all, &VaultFlags::default())?.unwrap().login)
    }

    #[test]
    fn without_an_address_there_is_no_vault_whatever_else_is_set() {
        let pairs = [("VAULT_TOKEN", "t"), ("INTEGRATIOND_VAULT_ROLE_ID", "r")];
        assert!(read(&pairs, &VaultFlags::default()).unwrap().is_none());
    }

    #[test]
    fn each_way_to_log_in_is_read_from_the_environment() {
        let token = VaultLogin::Token(SecretInput::Value(Secret::new("t".into())));
        assert_eq!(login(&[("VAULT_TOKEN", "t")]), Ok(token));
        let token = VaultLogin::Token(SecretInput::File("/t".into()));
        assert_eq!(login(&[("VAULT_TOKEN_FILE", "/t")]), Ok(token));
        let pairs = [(ROLE_ID, "r"), (SECRET_ID_FILE, "/s"), (MOUNT, "teams/app")];
        let expected = VaultLogin::AppRole {
            mount: "teams/app".into(),
            role_id: "r".into(),
            secret_id: SecretInput::File("/s".into()),
        };
        assert_eq!(login(&pairs), Ok(expected));
        let expected = VaultLogin::Jwt {
            mount: "jwt".into(),
            role: "r".into(),
            jwt: SecretInput::File("/j".into()),
        };
        assert_eq!(login(&[(JWT_ROLE, "r"), (JWT_FILE, "/j")]), Ok(expected));
    }

    #[test]
    fn a_flag_beats_the_environment() {
        let flags = VaultFlags {
            token_file: Some("/flag".into()),
            ..VaultFlags::default()
        };
        let pairs = [("VAULT_ADDR", "https://v"), ("VAULT_TOKEN", "t")];
        let login = read(&pairs, &flags).unwrap().unwrap().login;
        assert_eq!(login, VaultLogin::Token(SecretInput::File("/flag".into())));
    }

    #[test]
    fn two_ways_and_half_a_way_are_errors_that_name_the_settings() {
        let said = |pairs: &[(&str, &str)]| login(pairs).unwrap_err();
        let error = said(&[(TOKEN, "t"), (ROLE_ID, "r"), (SECRET_ID_FILE, "/s")]);
        assert_eq!(
            error,
            format!("`{TOKEN}` and `{ROLE_ID}` are both set; unset one of them")
        );
        let error = said(&[(TOKEN, "t"), (TOKEN_FILE, "/t")]);
        assert!(error.contains("both set"), "{error}");
        let error = said(&[(SECRET_ID_FILE, "/s")]);
        assert_eq!(
            error,
            format!("`{SECRET_ID_FILE}` is set without `{ROLE_ID}`; set both to log in to Vault")
        );
        assert!(said(&[]).contains("no login to Vault is configured"));
    }

    #[test]
    fn an_address_that_would_give_the_login_away_is_refused() {
        let pairs = [
            ("VAULT_ADDR", "http://vault.example:8200"),
            ("VAULT_TOKEN", "t"),
        ];
        let error = read(&pairs, &VaultFlags::default()).unwrap_err();
        assert!(error.contains("`VAULT_ADDR` is invalid"), "{error}");
    }
}
