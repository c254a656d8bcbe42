//! Fingerprints, which show whether a secret is the one that was last applied, without keeping
//! it.
//!
//! HMAC-SHA-256 under a key of this installation. The hash covers the tenant, the integration
//! and the attribute, so that equal secrets in two places have unequal fingerprints. A
//! fingerprint names its key: one made under another key means "not compared", never "rotated".

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// The length of a key, in bytes: that of the hash (RFC 2104, section 3).
pub const KEY_LENGTH: usize = 32;

/// The key of an installation.
pub struct FingerprintKey {
    key: zeroize::Zeroizing<[u8; KEY_LENGTH]>,
    id: String,
}

impl FingerprintKey {
    /// Takes a key over. Its id is a hash of it.
    #[must_use]
    pub fn new(key: [u8; KEY_LENGTH]) -> Self {
        let digest =
            Sha256::new_with_prefix(b"integrationd fingerprint key id\0").chain_update(key);
        let id = hex::encode(&digest.finalize()[..8]);
        Self {
            key: zeroize::Zeroizing::new(key),
            id,
        }
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FingerprintKey({})", self.id)
    }
}

/// Fingerprint of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Id of the key that made it.
    pub key: String,
    /// The hash, in hexadecimal.
    pub hash: String,
}

/// Makes the fingerprints of one tenant.
#[derive(Debug)]
pub struct Fingerprinter {
    key: FingerprintKey,
    tenant: String,
}

impl Fingerprinter {
    /// For a tenant, named by its URL.
    #[must_use]
    pub fn new(key: FingerprintKey, tenant: String) -> Self {
        Self { key, tenant }
    }

    /// The fingerprint of a secret in one place.
    #[must_use]
    pub fn fingerprint(&self, integration: &str, path: &str, secret: &Secret) -> Fingerprint {
        // A key of any length is accepted, so this cannot fail; without a hash nothing compares.
        let hash = Hmac::<Sha256>::new_from_slice(self.key.key.as_ref()).map(|mut mac| {
            for part in [&self.tenant, integration, path, secret.expose()] {
                // With its length before it, no part can borrow from the next.
                mac.update(&(part.len() as u64).to_be_bytes());
                mac.update(part.as_bytes());
            }
            hex::encode(mac.finalize().into_bytes())
        });
        Fingerprint {
            key: self.key.id.clone(),
            hash: hash.unwrap_or_default(),
        }
    }
}

impl Fingerprint {
    /// Of a secret that was sent and may not have arrived: no secret equals it.
    #[must_use]
    pub fn unproven() -> Self {
        Self {
            key: String::new(),
            hash: String::new(),
        }
    }

    /// True if the fingerprint is of a secret that may not have arrived.
    #[must_use]
    pub fn is_unproven(&self) -> bool {
        self.hash.is_empty()
    }

    /// True if both belong to the same secret; `None` if they were made under different keys.
    #[must_use]
    pub fn same_secret(&self, other: &Self) -> Option<bool> {
        if self.is_unproven() || other.is_unproven() {
            return Some(false);
        }
        (self.key == other.key).then(|| self.hash == other.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: u8, tenant: &str, name: &str, path: &str, value: &str) -> Fingerprint {
        let key = FingerprintKey::new([key; KEY_LENGTH]);
        Fingerprinter::new(key, tenant.into()).fingerprint(name, path, &Secret::new(value.into()))
    }

    #[test]
    fn a_fingerprint_is_bound_to_everything_around_the_secret() {
        let base = of(1, "t", "n", "p", "v");
        assert_eq!(base, of(1, "t", "n", "p", "v"));
        for other in [
            of(1, "u", "n", "p", "v"),
            of(1, "t", "m", "p", "v"),
            of(1, "t", "n", "q", "v"),
            of(1, "t", "n", "p", "w"),
            of(1, "t", "np", "", "v"),
        ] {
            assert_eq!(base.same_secret(&other), Some(false));
        }
    }

    #[test]
    fn fingerprints_under_different_keys_do_not_compare() {
        assert_eq!(
            of(1, "t", "n", "p", "v").same_secret(&of(2, "t", "n", "p", "v")),
            None
        );
    }
}
