//! `${vault:MOUNT/data/PATH#FIELD}`: a field of a secret in Vault or OpenBao, from a KV
//! engine of version 2.

pub(in crate::secret) mod reading;

use std::fmt;

use super::declaration::{Named, Provider};
use crate::secret::credential::OwnCredential;

/// `MOUNT/data/PATH#FIELD`: a secret of a KV v2 engine by the path that its API and its
/// policies have, and a field of it.
///
/// The path without `data`, as typed for the command `vault kv`, does not show the end of the
/// mount; that command asks the server first.
///
/// The author of an integration file chooses the text, and an operator binds it by a pattern,
/// so that a text means one place only: a path that could be read as another one (`.`, `..`, an
/// empty part) is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VaultAddress {
    /// The path, without a slash at either end.
    path: String,
    /// The field.
    field: String,
}

impl Provider for VaultAddress {
    const WORD: &'static str = "vault";
    const FORM: &'static str = "${vault:MOUNT/data/PATH#FIELD}";
    const OWN: &'static [OwnCredential] = &[TOKEN, SECRET_ID, JWT];
    const OWN_PREFIXES: &'static [&'static str] = &["VAULT_", "BAO_"];

    fn parse(argument: &str) -> Option<Self> {
        let (path, field) = argument.split_once('#')?;
        let parts: Vec<&str> = path.split('/').collect();
        let is_plain = |part: &&str| !matches!(*part, "" | "." | "..");
        let is_printable = !path.contains(char::is_control);
        // Something before it, and something behind.
        let has_data = parts
            .iter()
            .skip(1)
            .rev()
            .skip(1)
            .any(|part| *part == "data");
        let is_well_formed =
            !field.is_empty() && is_printable && has_data && parts.iter().all(is_plain);
        is_well_formed.then(|| Self {
            path: path.to_owned(),
            field: field.to_owned(),
        })
    }

    fn named(&self) -> Named<'_> {
        Named::Elsewhere
    }
}

impl fmt::Display for VaultAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.path, self.field)
    }
}

/// A token to log in with.
pub const TOKEN: OwnCredential = OwnCredential {
    flag: Some("vault-token-file"),
    values: &["VAULT_TOKEN"],
    file: Some("VAULT_TOKEN_FILE"),
    foreign_values: &["BAO_TOKEN"],
    places: &[("HOME", ".vault-token")],
    ..OwnCredential::named("the token for Vault")
};

/// The secret ID of an AppRole.
pub const SECRET_ID: OwnCredential = OwnCredential {
    flag: Some("vault-secret-id-file"),
    file: Some("INTEGRATIOND_VAULT_SECRET_ID_FILE"),
    ..OwnCredential::named("the secret ID for Vault")
};

/// A JWT to log in with.
pub const JWT: OwnCredential = OwnCredential {
    flag: Some("vault-jwt-file"),
    file: Some("INTEGRATIOND_VAULT_JWT_FILE"),
    ..OwnCredential::named("the JWT for Vault")
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_address_is_an_api_path_and_a_field() {
        for path in [
            "secret/data/app",
            "team/kv/data/a/b",
            "data/data/x",
            "kv/data/data",
            "kv/data/a b%2e",
        ] {
            let argument = format!("{path}#field#1");
            let expected = VaultAddress {
                path: path.into(),
                field: "field#1".into(),
            };
            assert_eq!(VaultAddress::parse(&argument), Some(expected));
        }
    }

    #[test]
    fn a_vault_address_that_could_be_read_as_another_one_is_refused() {
        for wrong in [
            "secret/data/app",
            "secret/data/app#",
            "secret/app#x",
            "data/app#x",
            "secret/data#x",
            "secret/data/#x",
            "/secret/data/app#x",
            "secret//data/app#x",
            "secret/data/a/../b#x",
            "secret/data/./b#x",
            "secret/data/a\n#x",
            "#x",
        ] {
            assert_eq!(VaultAddress::parse(wrong), None, "{wrong}");
        }
    }
}
