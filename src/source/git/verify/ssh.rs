//! SSH signatures, judged by `ssh-keygen`.

use std::ffi::OsString;
use std::path::Path;

use super::{Refusal, Signed, Verifier};
use crate::source::git::problem::{SignatureProblem, SignedObject};
use crate::source::git::program::run;

const PROGRAM: &str = "ssh-keygen";

/// Namespace of git's signatures; a signature made for another purpose does not count.
const NAMESPACE: &str = "git";

/// The most names of a signer that are tried. A line has one or two.
const MOST_PRINCIPALS: usize = 32;

impl Verifier<'_> {
    pub(super) fn ssh(
        &self,
        object: SignedObject,
        signed: &Signed,
        signers: &Path,
    ) -> Result<(), Refusal> {
        let signers = self.key_file(signers, "allowed-signers")?;
        let signature = self.scratch_dir.put("signature", &signed.signature)?;
        let names = self.principals(object, &signers, &signature)?;
        let revoked = self.trust.revoked_ssh_keys.as_deref();
        let revoked = revoked.map(|path| self.key_file(path, "revoked-keys"));
        let revoked = revoked.transpose()?;
        let is_good = |name: &str, revoked: Option<&Path>| -> Result<bool, Refusal> {
            let mut arguments = arguments("verify", &signers, &signature);
            arguments.extend(["-I", name, "-n", NAMESPACE].map(OsString::from));
            if let Some(revoked) = revoked {
                arguments.extend(["-r".into(), revoked.into()]);
            }
            let home = self.scratch_dir.path();
            let ran = run(self.session, PROGRAM, &arguments, home, &signed.payload)?;
            Ok(ran.is_success)
        };
        for name in &names {
            if is_good(name, revoked.as_deref())? {
                return Ok(());
            }
            if revoked.is_some() && is_good(name, None)? {
                return Err(SignatureProblem::Revoked(object).into());
            }
        }
        Err(SignatureProblem::Bad(object).into())
    }

    /// The names under which the key is allowed to sign now.
    fn principals(
        &self,
        object: SignedObject,
        signers: &Path,
        signature: &Path,
    ) -> Result<Vec<String>, Refusal> {
        let arguments = arguments("find-principals", signers, signature);
        let ran = run(
            self.session,
            PROGRAM,
            &arguments,
            self.scratch_dir.path(),
            b"",
        )?;
        if !ran.is_success {
            return Err(SignatureProblem::UnknownKey(object).into());
        }
        // A line of the file may have several, among them some that are excluded.
        let names = ran.stdout.split(['\n', ',']).map(str::trim);
        let names = names.filter(|name| !name.is_empty() && !name.starts_with('!'));
        Ok(names.map(str::to_owned).take(MOST_PRINCIPALS).collect())
    }
}

fn arguments(action: &str, signers: &Path, signature: &Path) -> Vec<OsString> {
    ["-Y".into(), action.into()]
        .into_iter()
        .chain(["-f".into(), signers.into()])
        .chain(["-s".into(), signature.into()])
        .collect()
}
