//! `${sops:FILE#/KEY/KEY}`: a value in a file that sops encrypted.

pub(in crate::secret) mod reading;

use std::fmt;

use super::declaration::{Named, Provider};
use crate::secret::credential::OwnCredential;

/// `FILE#/KEY/KEY`: a file that sops encrypted, and a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SopsAddress {
    /// The file, as for `file`.
    file: String,
    /// The pointer, with its first slash.
    pointer: String,
}

impl Provider for SopsAddress {
    const WORD: &'static str = "sops";
    const FORM: &'static str = "${sops:FILE#/KEY/KEY}";
    const OWN: &'static [OwnCredential] = OWN;
    const OWN_PREFIXES: &'static [&'static str] = LENT;

    fn parse(argument: &str) -> Option<Self> {
        let (file, pointer) = argument.split_once('#')?;
        let is_well_formed = !file.is_empty() && pointer.starts_with('/');
        is_well_formed.then(|| Self {
            file: file.to_owned(),
            pointer: pointer.to_owned(),
        })
    }

    fn named(&self) -> Named<'_> {
        Named::File(&self.file)
    }
}

impl fmt::Display for SopsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.file, self.pointer)
    }
}

/// Credentials lent to sops, for the services that hold its keys.
const OWN: &[OwnCredential] = &[
    OwnCredential {
        foreign_values: &["SOPS_AGE_KEY"],
        foreign_files: &["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"],
        places: &[
            ("HOME", ".config/sops/age/keys.txt"),
            ("XDG_CONFIG_HOME", "sops/age/keys.txt"),
        ],
        ..OwnCredential::named("the age and SSH keys for sops")
    },
    OwnCredential {
        foreign_values: &[
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        ],
        foreign_files: &[
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ],
        places: &[("HOME", ".aws/credentials")],
        ..OwnCredential::named("the AWS login for sops")
    },
    OwnCredential {
        foreign_values: &[
            "AZURE_CLIENT_CERTIFICATE_PASSWORD",
            "AZURE_CLIENT_SECRET",
            "AZURE_PASSWORD",
            // Of its managed identities.
            "IDENTITY_HEADER",
            "MSI_SECRET",
        ],
        foreign_files: &[
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_FEDERATED_TOKEN_FILE",
        ],
        ..OwnCredential::named("the Azure login for sops")
    },
    OwnCredential {
        foreign_values: &[
            "GOOGLE_CREDENTIALS",
            "GOOGLE_OAUTH_ACCESS_TOKEN",
            "CLOUDSDK_AUTH_ACCESS_TOKEN",
        ],
        foreign_files: &["GOOGLE_APPLICATION_CREDENTIALS"],
        places: &[(
            "HOME",
            ".config/gcloud/application_default_credentials.json",
        )],
        ..OwnCredential::named("the Google Cloud login for sops")
    },
    OwnCredential {
        foreign_values: &["HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"],
        ..OwnCredential::named("the Huawei Cloud login for sops")
    },
];

/// The beginnings of the variables that sops and the key services read, and that
/// sops is given: all of them are own.
const LENT: &[&str] = &[
    "SOPS_",
    // Not all of AWS_: people name their own secrets so, too.
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_",
    "AWS_DEFAULT_",
    "AWS_EC2_",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_",
    "AWS_SDK_",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_",
    "AWS_STS_",
    "AWS_USE_",
    "AWS_WEB_IDENTITY_",
    "AZURE_",
    "GOOGLE_",
    "CLOUDSDK_",
    "GCE_",
    "HUAWEICLOUD_",
    // Azure's managed identities.
    "IDENTITY_",
    "MSI_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sops_address_is_a_file_and_a_pointer() {
        let parsed = SopsAddress::parse("a/b.yaml#/x/0#y");
        let expected = SopsAddress {
            file: "a/b.yaml".into(),
            pointer: "/x/0#y".into(),
        };
        assert_eq!(parsed, Some(expected));
        for wrong in ["a.yaml", "a.yaml#", "a.yaml#x", "#/x", ""] {
            assert_eq!(SopsAddress::parse(wrong), None, "{wrong}");
        }
    }
}
