//! OpenPGP signatures, verified by `gpg`.
//!
//! Its exit code alone is not enough: it is 0 also for an expired key. The status lines decide,
//! and only one good signature and nothing bad counts.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::{Refusal, Signed, Verifier};
use crate::source::git::error::GitFailure;
use crate::source::git::problem::{SignatureProblem, SignedObject};
use crate::source::git::program::{ProgramOutput, run, words_of};

const PROGRAM: &str = "gpg";

/// Prefix of a line for programs.
const STATUS: &str = "[GNUPG:] ";

impl Verifier<'_> {
    pub(super) fn openpgp(&self, object: SignedObject, signed: &Signed) -> Result<(), Refusal> {
        let home = self.scratch_dir.path().join("gnupg");
        match DirBuilder::new().mode(0o700).create(&home) {
            Ok(()) => self.import(&home)?,
            // For the tag before.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(GitFailure::Copy { path: home, source }.into()),
        }
        let signature = self.scratch_dir.put("signature", &signed.signature)?;
        let arguments = ["--verify".into(), signature.into(), "-".into()];
        let ran = self.gpg(&home, arguments, &signed.payload)?;
        judge(object, ran.is_success, &ran.stdout).map_err(Refusal::from)
    }

    /// Fills the keyring. Its keys are trusted since the operator gave them.
    fn import(&self, home: &Path) -> Result<(), Refusal> {
        for path in &self.trust.openpgp_keys {
            let keys = self.key_file(path, "keys")?;
            let ran = self.gpg(home, ["--import".into(), keys.into()], b"")?;
            if !ran.is_success {
                let source = io::Error::other(words_of(&ran.stderr));
                let path = path.clone();
                return Err(SignatureProblem::KeyFile { path, source }.into());
            }
        }
        Ok(())
    }

    fn gpg<const N: usize>(
        &self,
        home: &Path,
        action: [OsString; N],
        input: &[u8],
    ) -> Result<ProgramOutput, Refusal> {
        let flags = [
            "--no-options",
            "--batch",
            "--no-tty",
            // No process may stay behind, and none may ask the network.
            "--no-autostart",
            "--disable-dirmngr",
            "--no-auto-key-retrieve",
            "--no-auto-check-trustdb",
            "--trust-model",
            "always",
            "--weak-digest",
            "SHA1",
            "--status-fd",
            "1",
        ];
        let mut arguments: Vec<OsString> = vec!["--homedir".into(), home.into()];
        arguments.extend(flags.map(OsString::from));
        arguments.extend(action);
        Ok(run(self.session, PROGRAM, &arguments, home, input)?)
    }
}

/// Verdict of the status lines.
fn judge(object: SignedObject, is_success: bool, stdout: &str) -> Result<(), SignatureProblem> {
    let lines = stdout.lines().filter_map(|line| line.strip_prefix(STATUS));
    let words: Vec<&str> = lines
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let count = |word: &str| words.iter().filter(|found| **found == word).count();
    if count("REVKEYSIG") > 0 {
        return Err(SignatureProblem::Revoked(object));
    }
    if count("EXPKEYSIG") + count("EXPSIG") > 0 {
        return Err(SignatureProblem::Expired(object));
    }
    if count("NO_PUBKEY") > 0 {
        return Err(SignatureProblem::UnknownKey(object));
    }
    let is_bad = count("BADSIG") + count("ERRSIG") > 0;
    let is_one = [count("NEWSIG"), count("GOODSIG"), count("VALIDSIG")] == [1, 1, 1];
    if !is_success || is_bad || !is_one {
        return Err(SignatureProblem::Bad(object));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 a\n[GNUPG:] VALIDSIG 1 2 3\n";

    fn is_good(is_success: bool, stdout: &str) -> bool {
        judge(SignedObject::Commit, is_success, stdout).is_ok()
    }

    #[test]
    fn only_one_good_signature_and_nothing_bad_counts() {
        assert!(is_good(true, GOOD));
        assert!(!is_good(false, GOOD));
        assert!(!is_good(true, &format!("{GOOD}{GOOD}")));
        assert!(!is_good(true, ""));
        assert!(!is_good(true, "gpg: Good signature from a\n"));
        assert!(!is_good(true, "[GNUPG:] NEWSIG\n[GNUPG:] VALIDSIG 1 2 3\n"));
        for word in ["BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG"] {
            let with = format!("{GOOD}[GNUPG:] {word} 1 a\n");
            assert!(!is_good(true, &with), "{word}");
        }
    }
}
