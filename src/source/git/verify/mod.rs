//! Signers of a revision.
//!
//! The programs that made the signatures verify them: `ssh-keygen` and `gpg`, with only the
//! operator's keys and a private home. Exit codes and lines for programs count, never messages
//! for people. A key must be valid now: the time in a commit is chosen by the holder of the
//! key, even after it expired.

mod gpg;
mod signed;
mod ssh;

use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};

use super::copy::ScratchDir;
use super::error::GitFailure;
use super::objects::Objects;
use super::problem::{ObjectKind, SignatureProblem, SignedObject};
use super::reference::{CommitId, GitReference};
use super::session::GitSession;
use crate::text::escaped;
use signed::{SignatureFormat, Signed};

/// Objects that must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyMode {
    /// The commit that is taken up.
    Head,
    /// The tag that is fetched.
    Tag,
    /// Both.
    TagAndHead,
}

/// Accepted keys. Without keys of a kind, no signature of that kind counts.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Objects that must be signed.
    pub mode: VerifyMode,
    /// SSH keys, as `ssh-keygen` reads them: ALLOWED SIGNERS in its manual.
    pub allowed_signers: Option<PathBuf>,
    /// Revoked SSH keys: a list of public keys, or a KRL.
    pub revoked_ssh_keys: Option<PathBuf>,
    /// Files with OpenPGP public keys.
    pub openpgp_keys: Vec<PathBuf>,
}

/// Reason why there is no verdict, or a bad one.
enum Refusal {
    Problem(SignatureProblem),
    Failure(GitFailure),
}

impl From<SignatureProblem> for Refusal {
    fn from(problem: SignatureProblem) -> Self {
        Self::Problem(problem)
    }
}

impl From<GitFailure> for Refusal {
    fn from(failure: GitFailure) -> Self {
        Self::Failure(failure)
    }
}

/// One verification.
struct Verifier<'a> {
    session: &'a GitSession,
    scratch_dir: &'a ScratchDir,
    trust: &'a Verification,
}

/// Checks that the required signatures can be verified at all.
pub(super) fn check_settings(
    verification: &Verification,
    reference: &GitReference,
) -> Result<(), GitFailure> {
    if verification.allowed_signers.is_none() && verification.openpgp_keys.is_empty() {
        return Err(GitFailure::NoKeysToVerify);
    }
    match (verification.mode, reference) {
        (VerifyMode::Head, _) | (_, GitReference::Tag(_)) => Ok(()),
        (
            VerifyMode::Tag | VerifyMode::TagAndHead,
            GitReference::Commit(_) | GitReference::Branch(_) | GitReference::Default,
        ) => Err(GitFailure::NoTagToVerify),
    }
}

/// Refuses a revision that is not signed as it must be.
pub(super) fn verify(
    session: &GitSession,
    scratch_dir: &ScratchDir,
    trust: &Verification,
    objects: &Objects<'_>,
    (reference, object): (&GitReference, Oid),
    commit: Oid,
) -> Result<(), GitFailure> {
    let verifier = Verifier {
        session,
        scratch_dir,
        trust,
    };
    let is_tag = trust.mode != VerifyMode::Head;
    let is_head = trust.mode != VerifyMode::Tag;
    let mut verdict = Ok(());
    if is_tag {
        verdict = verifier.tag(objects, reference, object, commit);
    }
    if is_head {
        verdict = verdict.and_then(|()| verifier.commit(objects, commit));
    }
    verdict.map_err(|refusal| match refusal {
        Refusal::Failure(failure) => failure,
        Refusal::Problem(problem) => GitFailure::Unverified {
            revision: CommitId(commit),
            problem: Box::new(problem),
        },
    })
}

/// The bytes of an object, unless they contain a NUL: programs that take them for a C string
/// see an object that ends there, and anyone could append to it.
fn signed_text(
    objects: &Objects<'_>,
    id: Oid,
    kind: ObjectKind,
    object: SignedObject,
) -> Result<Vec<u8>, Refusal> {
    let raw = objects.text(id, kind)?;
    if raw.contains(&0) {
        return Err(SignatureProblem::HasNul(object).into());
    }
    Ok(raw)
}

impl Verifier<'_> {
    fn commit(&self, objects: &Objects<'_>, commit: Oid) -> Result<(), Refusal> {
        let raw = signed_text(objects, commit, ObjectKind::Commit, SignedObject::Commit)?;
        let signed =
            Signed::of_commit(&raw).ok_or(SignatureProblem::Unsigned(SignedObject::Commit))?;
        self.signature(SignedObject::Commit, &signed)
    }

    /// A tag's signature binds a name to a commit: both must be the expected ones.
    fn tag(
        &self,
        objects: &Objects<'_>,
        reference: &GitReference,
        object: Oid,
        commit: Oid,
    ) -> Result<(), Refusal> {
        if objects.header(object)?.0 != ObjectType::Tag {
            return Err(SignatureProblem::LightweightTag.into());
        }
        let tag = objects.tag(object)?;
        let name = String::from_utf8_lossy(tag.name_bytes()).into_owned();
        if !matches!(reference, GitReference::Tag(wanted) if wanted.as_str() == name) {
            return Err(SignatureProblem::OtherName(escaped(&name).into_owned()).into());
        }
        if tag.target_type() != Some(ObjectType::Commit) || tag.target_id() != commit {
            return Err(SignatureProblem::NestedTag.into());
        }
        let raw = signed_text(objects, object, ObjectKind::Tag, SignedObject::Tag)?;
        let signed = Signed::of_tag(raw).ok_or(SignatureProblem::Unsigned(SignedObject::Tag))?;
        self.signature(SignedObject::Tag, &signed)
    }

    fn signature(&self, object: SignedObject, signed: &Signed) -> Result<(), Refusal> {
        let no_keys = |kind| SignatureProblem::NoKeys { object, kind };
        match signed.format() {
            Some(SignatureFormat::Ssh) => {
                let signers = self.trust.allowed_signers.as_deref();
                self.ssh(object, signed, signers.ok_or_else(|| no_keys("SSH"))?)
            }
            Some(SignatureFormat::OpenPgp) if self.trust.openpgp_keys.is_empty() => {
                Err(no_keys("OpenPGP").into())
            }
            Some(SignatureFormat::OpenPgp) => self.openpgp(object, signed),
            None => Err(SignatureProblem::UnknownFormat(object).into()),
        }
    }

    /// A file of keys as it is now, in a place whose path no program misreads.
    fn key_file(&self, path: &Path, name: &str) -> Result<PathBuf, Refusal> {
        let bytes = std::fs::read(path).map_err(|source| SignatureProblem::KeyFile {
            path: path.to_owned(),
            source,
        })?;
        Ok(self.scratch_dir.put(name, &bytes)?)
    }
}
