//! Signed commits and tags, by SSH and OpenPGP keys, made by git itself.

use std::fs::{self};
use std::path::PathBuf;

use integrationd::source::git::{
    GitFailure, GitOptions, GitReference, GitSource, SignatureProblem, SignedObject, Verification,
    VerifyMode,
};

use super::{Source, below, finally, lines, options, tag, told};
use crate::programs::{GNUPG, SSH_KEYGEN, needs};
use crate::support::signers::Signers;

impl Signers {
    fn source(&self, reference: GitReference, verification: Verification) -> Source {
        Source::new(GitOptions {
            reference,
            verification: Some(verification),
            ..options(&self.repository.path())
        })
    }

    async fn is_good(&self, reference: GitReference, verification: Verification) {
        let fetched = self.source(reference, verification).fetch().await;
        assert_eq!(fetched.revision.id, self.repository.head());
        assert_eq!(lines(&fetched), ["a.yaml: 1"]);
    }

    /// Reason for the rejection of the newest revision.
    async fn problem(&self, reference: GitReference, trust: Verification) -> SignatureProblem {
        let error = self.source(reference, trust).refused().await;
        let shown = told(&error);
        let failure = finally(error);
        let GitFailure::Unverified { revision, problem } = failure else {
            panic!("{failure:?}")
        };
        assert_eq!(revision, self.repository.head(), "{shown}");
        assert!(shown.contains(&revision.to_string()), "{shown}");
        *problem
    }
}

fn ssh(mode: VerifyMode, allowed: PathBuf) -> Verification {
    Verification {
        mode,
        allowed_signers: Some(allowed),
        revoked_ssh_keys: None,
        openpgp_keys: Vec::new(),
    }
}

fn openpgp(mode: VerifyMode, keys: &[&PathBuf]) -> Verification {
    Verification {
        mode,
        allowed_signers: None,
        revoked_ssh_keys: None,
        openpgp_keys: keys.iter().map(|path| (*path).clone()).collect(),
    }
}

/// Asserts which problem it is.
macro_rules! assert_problem {
    ($problem:expr, $pattern:pat) => {
        let problem = $problem;
        assert!(matches!(problem, $pattern), "{problem:?}");
    };
}

use VerifyMode::{Head, Tag, TagAndHead};

#[tokio::test]
async fn a_commit_by_an_allowed_ssh_key_is_taken_up() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = signers.ssh_key("ada");
    let other = signers.ssh_key("eve");
    signers.sign_with_ssh("ada");
    signers.signed_commit();
    for line in [
        format!("ada@example.com {key}"),
        format!("x@example.com {other}ada@example.com,b@example.com {key}"),
        format!("*@example.com namespaces=\"git\" {key}"),
        format!("!b@example.com,*@example.com {key}"),
    ] {
        let trust = ssh(Head, signers.allowed(&line));
        signers.is_good(GitReference::Default, trust).await;
    }
}

#[tokio::test]
async fn commit_without_a_valid_signature_is_refused_and_named() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = signers.ssh_key("ada");
    let other = signers.ssh_key("eve");
    let allowed = |line: String| ssh(Head, signers.allowed(&line));
    let head = || GitReference::Default;
    let trust = allowed(format!("ada@example.com {key}"));
    assert_problem!(
        signers.problem(head(), trust.clone()).await,
        SignatureProblem::Unsigned(SignedObject::Commit)
    );
    signers.sign_with_ssh("eve");
    signers.signed_commit();
    assert_problem!(
        signers.problem(head(), trust.clone()).await,
        SignatureProblem::UnknownKey(SignedObject::Commit)
    );
    // No longer valid, not valid yet, not for git.
    for (option, is_unknown) in [
        ("valid-before=\"20200101\"", true),
        ("valid-after=\"20990101\"", true),
        ("namespaces=\"file\"", false),
    ] {
        let trust = allowed(format!("ada@example.com {option} {other}"));
        let problem = signers.problem(head(), trust).await;
        let expected = if is_unknown {
            matches!(problem, SignatureProblem::UnknownKey(_))
        } else {
            matches!(problem, SignatureProblem::Bad(_))
        };
        assert!(expected, "{option}: {problem:?}");
    }
    let revoked = Verification {
        revoked_ssh_keys: Some(signers.path("eve.pub")),
        ..allowed(format!("ada@example.com {other}"))
    };
    assert_problem!(
        signers.problem(head(), revoked).await,
        SignatureProblem::Revoked(SignedObject::Commit)
    );
    // For want of the keys of that kind; it is not asked what the file holds.
    let kind = openpgp(Head, &[&signers.path("eve.pub")]);
    assert_problem!(
        signers.problem(head(), kind).await,
        SignatureProblem::NoKeys { kind: "SSH", .. }
    );
    let nowhere = ssh(Head, signers.path("nowhere"));
    assert_problem!(
        signers.problem(head(), nowhere).await,
        SignatureProblem::KeyFile { .. }
    );
}

#[tokio::test]
async fn a_signature_of_another_commit_does_not_count() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = signers.ssh_key("ada");
    signers.sign_with_ssh("ada");
    signers.signed_commit();
    let repository = &signers.repository;
    let signed = repository.git(["cat-file", "commit", "HEAD"]);
    for forged in [
        signed.replacen("author Ada", "author Eve", 1),
        // A second signature after the first one.
        signed.replacen(
            "gpgsig ",
            "gpgsig -----BEGIN SSH SIGNATURE-----\n x\ngpgsig ",
            1,
        ),
    ] {
        signers.forge("commit", &format!("{forged}\n"), "refs/heads/main");
        let trust = ssh(Head, signers.allowed(&format!("ada@example.com {key}")));
        let problem = signers.problem(GitReference::Default, trust).await;
        let is_refused = matches!(
            problem,
            SignatureProblem::Bad(_) | SignatureProblem::UnknownKey(_)
        );
        assert!(is_refused, "{problem:?}");
    }
}

/// L2: git's own programs see the bytes after a NUL, and libgit2 does not.
#[tokio::test]
async fn commit_or_tag_with_a_nul_is_refused() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = signers.ssh_key("ada");
    let trust = |mode| ssh(mode, signers.allowed(&format!("ada@example.com {key}")));
    signers.sign_with_ssh("ada");
    signers.signed_commit();
    signers.signed_tag("v1");
    let repository = &signers.repository;
    let commit = repository.git(["cat-file", "commit", "HEAD"]);
    let signed_tag = repository.git(["cat-file", "tag", "v1"]);
    for twin in [
        format!("{commit}\n\0anything"),
        format!("{commit}\n\0"),
        commit.replacen("\n\nsigned", "\n\nsig\0ned", 1) + "\n",
    ] {
        signers.forge("commit", &twin, "refs/heads/main");
        assert_problem!(
            signers.problem(GitReference::Default, trust(Head)).await,
            SignatureProblem::HasNul(SignedObject::Commit)
        );
    }
    repository.git(["reset", "--quiet", "--hard", "v1"]);
    signers.forge("tag", &format!("{signed_tag}\n\0"), "refs/tags/v1");
    assert_problem!(
        signers.problem(tag("v1"), trust(Tag)).await,
        SignatureProblem::HasNul(SignedObject::Tag)
    );
}

#[tokio::test]
async fn commit_of_a_given_openpgp_key_alone_is_accepted() {
    needs!(GNUPG);
    let signers = Signers::new();
    let eve = signers.sign_with_openpgp("eve");
    let ada = signers.sign_with_openpgp("ada");
    signers.signed_commit();
    signers
        .is_good(GitReference::Default, openpgp(Head, &[&ada]))
        .await;
    signers
        .is_good(GitReference::Default, openpgp(Head, &[&eve, &ada]))
        .await;
    assert_problem!(
        signers
            .problem(GitReference::Default, openpgp(Head, &[&eve]))
            .await,
        SignatureProblem::UnknownKey(SignedObject::Commit)
    );
    let allowed = ssh(Head, signers.allowed(""));
    assert_problem!(
        signers.problem(GitReference::Default, allowed).await,
        SignatureProblem::NoKeys {
            kind: "OpenPGP",
            ..
        }
    );
    let no_keys = signers.path("no-keys");
    fs::write(&no_keys, "no keys").unwrap();
    let trust = openpgp(Head, &[&no_keys]);
    assert_problem!(
        signers.problem(GitReference::Default, trust).await,
        SignatureProblem::KeyFile { .. }
    );
}

#[tokio::test]
async fn an_openpgp_key_that_expired_or_was_revoked_does_not_count() {
    needs!(GNUPG);
    let signers = Signers::new();
    signers.sign_with_openpgp("ada");
    signers.signed_commit();
    let fingerprint = signers.gpg(["--with-colons", "--list-keys", "ada"]);
    let fingerprint = fingerprint
        .lines()
        .find_map(|line| line.strip_prefix("fpr:"));
    let fingerprint = fingerprint.unwrap().trim_matches(':').to_owned();
    // A time that is over by the clock of the one who made the key.
    let made = "20200101T000000!";
    signers.gpg([
        "--faked-system-time",
        made,
        "--quick-generate-key",
        "old",
        "ed25519",
        "sign",
        "1y",
    ]);
    let repository = &signers.repository;
    repository.git(["config", "user.signingKey", "old"]);
    let wrapper = signers.path("gpg-of-the-test");
    let script = fs::read_to_string(&wrapper).unwrap();
    fs::write(
        &wrapper,
        script.replace(" \"$@\"", &format!(" --faked-system-time '{made}' \"$@\"")),
    )
    .unwrap();
    let valid = repository.head();
    signers.signed_commit();
    let old = signers.export("old");
    assert_problem!(
        signers
            .problem(GitReference::Default, openpgp(Head, &[&old]))
            .await,
        SignatureProblem::Expired(SignedObject::Commit)
    );
    repository.git(["reset", "--quiet", "--hard", &valid.to_string()]);
    repository.push();
    let good = signers.export("ada");
    signers
        .is_good(GitReference::Default, openpgp(Head, &[&good]))
        .await;
    let revocation = signers.path(&format!("gnupg/openpgp-revocs.d/{fingerprint}.rev"));
    let text = fs::read_to_string(&revocation)
        .unwrap()
        .replace(":-----BEGIN", "-----BEGIN");
    fs::write(&revocation, text).unwrap();
    signers.gpg(["--import", revocation.to_str().unwrap()]);
    let revoked = signers.export("ada");
    assert_problem!(
        signers
            .problem(GitReference::Default, openpgp(Head, &[&revoked]))
            .await,
        SignatureProblem::Revoked(SignedObject::Commit)
    );
}

#[tokio::test]
async fn signed_tag_of_an_unsigned_commit_counts_for_the_tag_alone() {
    needs!(SSH_KEYGEN, GNUPG);
    let signers = Signers::new();
    let key = format!("ada@example.com {}", signers.ssh_key("ada"));
    signers.sign_with_ssh("ada");
    signers.signed_tag("v1");
    signers
        .is_good(tag("v1"), ssh(Tag, signers.allowed(&key)))
        .await;
    assert_problem!(
        signers
            .problem(tag("v1"), ssh(TagAndHead, signers.allowed(&key)))
            .await,
        SignatureProblem::Unsigned(SignedObject::Commit)
    );
    signers.signed_commit();
    signers.signed_tag("v2");
    signers
        .is_good(tag("v2"), ssh(TagAndHead, signers.allowed(&key)))
        .await;
    let pgp = signers.sign_with_openpgp("ada");
    signers.signed_tag("v3");
    let both = Verification {
        allowed_signers: Some(signers.allowed(&key)),
        ..openpgp(TagAndHead, &[&pgp])
    };
    signers.is_good(tag("v3"), both).await;
}

#[tokio::test]
async fn a_tag_that_is_not_what_was_signed_is_refused() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = format!("ada@example.com {}", signers.ssh_key("ada"));
    signers.ssh_key("eve");
    let trust = || ssh(Tag, signers.allowed(&key));
    let repository = &signers.repository;
    signers.sign_with_ssh("ada");
    signers.signed_tag("v1");
    repository.git(["tag", "light"]);
    repository.git(["tag", "-a", "-m", "unsigned", "bare"]);
    // A good signature under another name, and around another tag.
    repository.git(["update-ref", "refs/tags/v9", "v1"]);
    repository.git(["tag", "-s", "-m", "of a tag", "nested", "v1"]);
    signers.sign_with_ssh("eve");
    signers.signed_tag("eves");
    assert_problem!(
        signers.problem(tag("light"), trust()).await,
        SignatureProblem::LightweightTag
    );
    assert_problem!(
        signers.problem(tag("bare"), trust()).await,
        SignatureProblem::Unsigned(SignedObject::Tag)
    );
    assert_problem!(
        signers.problem(tag("v9"), trust()).await,
        SignatureProblem::OtherName(_)
    );
    assert_problem!(
        signers.problem(tag("nested"), trust()).await,
        SignatureProblem::NestedTag
    );
    assert_problem!(
        signers.problem(tag("eves"), trust()).await,
        SignatureProblem::UnknownKey(SignedObject::Tag)
    );
    // The name moves to a commit without a signed tag.
    repository.commit_with(["-m", "not released"]);
    repository.git(["tag", "--force", "v1"]);
    repository.push();
    assert_problem!(
        signers.problem(tag("v1"), trust()).await,
        SignatureProblem::LightweightTag
    );
}

#[tokio::test]
async fn refused_revision_is_accepted_once_its_key_is_given() {
    needs!(SSH_KEYGEN);
    let signers = Signers::new();
    let key = signers.ssh_key("ada");
    signers.sign_with_ssh("ada");
    signers.signed_commit();
    let source = signers.source(GitReference::Default, ssh(Head, signers.allowed("")));
    source.refused().await;
    signers.allowed(&format!("ada@example.com {key}"));
    source.fetch().await;
    signers.allowed("");
    source.refused().await;
    let directory = source.path().join("git");
    assert_eq!(below(&directory), [directory.join("lock")]);
}

#[test]
fn a_tags_signature_needs_a_tag_and_every_signature_keys() {
    let refused = |mode, keys: &[&PathBuf]| {
        let options = GitOptions {
            verification: Some(openpgp(mode, keys)),
            ..options("/srv/git/a.git")
        };
        let error = GitSource::new(options, "/nowhere".as_ref()).unwrap_err();
        assert!(error.is_of_settings());
        finally(error)
    };
    let keys = PathBuf::from("/keys.asc");
    for mode in [Tag, TagAndHead] {
        assert!(matches!(refused(mode, &[&keys]), GitFailure::NoTagToVerify));
    }
    for mode in [Head, Tag, TagAndHead] {
        assert!(matches!(refused(mode, &[]), GitFailure::NoKeysToVerify));
    }
}
