//! A repository whose commits and tags are signed by git itself.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use integrationd::source::git::CommitId;

use super::repository::{Repository, command};
use crate::programs::{GNUPG, SSH_KEYGEN, is_declared, output};

/// A repository, and the keys of those who sign in it.
pub(crate) struct Signers {
    pub(crate) repository: Repository,
}

impl Signers {
    pub(crate) fn new() -> Self {
        let signers = Self {
            repository: Repository::new(),
        };
        let home = signers.path("gnupg");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
        signers
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.repository.place().join(name)
    }

    /// Makes an SSH key; its public half.
    pub(crate) fn ssh_key(&self, name: &str) -> String {
        is_declared(SSH_KEYGEN);
        let mut keygen = command("ssh-keygen", self.repository.place());
        keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]);
        output(keygen.arg(self.path(name)));
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    pub(crate) fn sign_with_ssh(&self, name: &str) {
        let key = self.path(name);
        self.repository.git(["config", "gpg.format", "ssh"]);
        let key = key.to_str().unwrap();
        self.repository.git(["config", "user.signingKey", key]);
    }

    pub(crate) fn gpg<const N: usize>(&self, args: [&str; N]) -> String {
        is_declared(GNUPG);
        let mut gpg = command("gpg", self.repository.place());
        gpg.arg("--homedir").arg(self.path("gnupg"));
        output(
            gpg.args(["--batch", "--quiet", "--passphrase", ""])
                .args(args),
        )
    }

    /// Makes an OpenPGP key, and signs with it; the file with its public half.
    pub(crate) fn sign_with_openpgp(&self, name: &str) -> PathBuf {
        self.gpg(["--quick-generate-key", name, "ed25519", "sign", "never"]);
        let wrapper = self.path("gpg-of-the-test");
        let home = self.path("gnupg");
        let script = format!(
            "#!/bin/sh\nexec gpg --homedir '{}' \"$@\"\n",
            home.display()
        );
        fs::write(&wrapper, script).unwrap();
        fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).unwrap();
        let wrapper = wrapper.to_str().unwrap();
        self.repository.git(["config", "gpg.format", "openpgp"]);
        self.repository.git(["config", "gpg.program", wrapper]);
        self.repository.git(["config", "user.signingKey", name]);
        self.export(name)
    }

    /// Writes the public half of a key as it is now.
    pub(crate) fn export(&self, name: &str) -> PathBuf {
        let path = self.path(&format!("{name}.asc"));
        fs::write(&path, self.gpg(["--armor", "--export", name])).unwrap();
        path
    }

    pub(crate) fn signed_commit(&self) -> CommitId {
        self.repository.commit_with(["-S", "-m", "signed"])
    }

    pub(crate) fn signed_tag(&self, name: &str) {
        self.repository.git(["tag", "-s", "-m", "signed", name]);
        self.repository.push();
    }

    /// Writes an object with exactly this text, and has a reference name it.
    pub(crate) fn forge(&self, kind: &str, text: &str, reference: &str) {
        let mut git = self.repository.worker();
        git.args(["hash-object", "--literally", "-t", kind, "-w", "--stdin"]);
        let id = super::repository::feed(&mut git, text.as_bytes());
        self.repository.git(["update-ref", reference, &id]);
        self.repository.push();
    }

    /// A file of allowed signers.
    pub(crate) fn allowed(&self, lines: &str) -> PathBuf {
        let path = self.path("allowed signers");
        fs::write(&path, lines).unwrap();
        path
    }
}

impl Drop for Signers {
    /// Making OpenPGP keys starts an agent, which would stay.
    fn drop(&mut self) {
        let mut gpgconf = command("gpgconf", self.repository.place());
        gpgconf.arg("--homedir").arg(self.path("gnupg"));
        // It may be that none was started.
        let _ = gpgconf.args(["--kill", "all"]).output();
    }
}
