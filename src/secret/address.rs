//! What stands behind the colon of a reference that points into something: the
//! file or the path, and the place in it.
//!
//! Pure. Whoever writes an integration file chooses the text, and an operator
//! binds it by a pattern, so that a text means one place only: a path that could
//! be read as another one (`.`, `..`, an empty part) is refused.

/// `FILE#/KEY/KEY`: a file that sops encrypted, and a JSON pointer (RFC 6901).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SopsAddress<'a> {
    /// The file, as for `file`.
    pub(super) file: &'a str,
    /// The pointer, with its first slash.
    pub(super) pointer: &'a str,
}

impl<'a> SopsAddress<'a> {
    pub(super) const FORM: &'static str = "${sops:FILE#/KEY/KEY}";

    pub(super) fn parse(argument: &'a str) -> Option<Self> {
        let (file, pointer) = argument.split_once('#')?;
        (!file.is_empty() && pointer.starts_with('/')).then_some(Self { file, pointer })
    }
}

/// `MOUNT/data/PATH#FIELD`: a secret of a KV v2 engine by the path that its API
/// and its policies have, and a field of it.
///
/// The path without `data`, as people type it for the command `vault kv`, does
/// not tell where the mount ends; that command asks the server first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VaultAddress<'a> {
    /// The path, without a slash at either end.
    pub(super) path: &'a str,
    /// The field.
    pub(super) field: &'a str,
}

impl<'a> VaultAddress<'a> {
    pub(super) const FORM: &'static str = "${vault:MOUNT/data/PATH#FIELD}";

    pub(super) fn parse(argument: &'a str) -> Option<Self> {
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
        is_well_formed.then_some(Self { path, field })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sops_address_is_a_file_and_a_pointer() {
        let parsed = SopsAddress::parse("a/b.yaml#/x/0#y");
        let expected = SopsAddress {
            file: "a/b.yaml",
            pointer: "/x/0#y",
        };
        assert_eq!(parsed, Some(expected));
        for wrong in ["a.yaml", "a.yaml#", "a.yaml#x", "#/x", ""] {
            assert_eq!(SopsAddress::parse(wrong), None, "{wrong}");
        }
    }

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
                path,
                field: "field#1",
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
