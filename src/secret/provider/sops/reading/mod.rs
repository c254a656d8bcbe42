//! Runs sops and reads its output.
//!
//! The program `sops` decrypts, as installed by operators, with the keys that they gave it; no
//! cryptography is done here. The file is read under the rules of `file` and passed to the
//! program on its standard input, so that the checked content is what is decrypted. Each file
//! is decrypted only once: every call to a key service costs time, and perhaps money or an
//! operator's attention.
//!
//! The program receives only the part of the environment that it needs. Anyone who can merge a
//! file chooses the key services that it names, and for a Vault also the address: sops would
//! send the token there. So it gets none.
//!
//! Its message about an unreadable file may repeat a value of it. Only its messages about keys
//! are shown: by then the values are still encrypted.

pub(in crate::secret) mod environment;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use super::SopsAddress;
use crate::secret::json::{SecretJson, secret};
use crate::secret::machine::{LookupResult, Providers};
use crate::secret::missing::Problem;
use crate::secret::{MissingReason, Scrubber, Secret, confined};
use crate::text::{cut, escaped};

/// The program, found by `PATH`.
const PROGRAM: &str = "sops";

/// Runs at once. Each takes some 50 MiB and a call to a key service.
const MOST_RUNS: usize = 4;

/// Time for a key service, or for an operator at a passphrase prompt.
const DEADLINE: Duration = Duration::from_secs(60);

/// The most that is read of what it writes. The largest file that is read has
/// 1 MiB; decrypted it is smaller, and escaped as JSON at most six times larger.
const LARGEST: u64 = 8 * 1024 * 1024;

/// The most that is read of what it says about keys.
const LARGEST_WORDS: u64 = 16 * 1024;

/// The most of it that is shown, in characters.
const LONGEST_WORDS: usize = 600;

/// It found no key that decrypts the file (`CouldNotRetrieveKey` of sops).
const NO_KEY: i32 = 128;

/// A value cannot be decrypted, or the MAC does not match (`ErrorDecryptingTree`,
/// `MacMismatch` and `MacNotFound` of sops).
const CHANGED: [i32; 3] = [25, 51, 52];

/// Reason why sops returned nothing. None repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::secret) enum SopsProblem {
    /// Not there.
    #[error("`sops` is not installed: install it in a directory of integrationd's PATH")]
    NotInstalled,
    /// There, and not to be run.
    #[error("cannot run `sops` ({0}): allow integrationd's user to run it")]
    NotRun(ErrorKind),
    /// No key, or no permission to use one.
    #[error(
        "sops found no key that decrypts the file: provide one (for age, set SOPS_AGE_KEY_FILE); \
        sops reports: {said}"
    )]
    NoKey {
        /// The words of sops in one line, fit to be shown once they are scrubbed.
        said: String,
    },
    /// It was changed, or it is damaged.
    #[error(
        "the file was changed after it was encrypted, so its values cannot be trusted: restore the \
        file, or encrypt it again"
    )]
    Changed,
    /// Anything else.
    #[error("sops cannot read the file ({}): run `sops decrypt` on the file to see the error \
        message, which is hidden here because it may contain secrets; encrypt the file if it is \
        unencrypted", ended(*.code))]
    Refused {
        /// The exit code; absent if a signal ended it.
        code: Option<i32>,
    },
    /// It hangs.
    #[error("sops did not finish within {} seconds: check that its key service responds and that \
        no key needs a passphrase", DEADLINE.as_secs())]
    TimedOut,
    /// Far more than was handed in.
    #[error("the output of sops exceeds {LARGEST} bytes: use a smaller file")]
    TooLarge,
    /// Something else than it was asked for.
    #[error(
        "the output of sops is not JSON: check that `sops` is the program from getsops.io, \
        version 3.9 or later"
    )]
    NotJson,
}

impl Problem for SopsProblem {
    /// The words are cut only after secrets were taken out of them: a piece of a secret
    /// would be left at the end.
    fn scrubbed(&self, scrubber: &Scrubber) -> Arc<dyn Problem> {
        Arc::new(match self {
            Self::NoKey { said } => {
                let clean = scrubber.scrub(said);
                let said = escaped(&cut(&clean, LONGEST_WORDS)).into_owned();
                Self::NoKey { said }
            }
            Self::NotInstalled
            | Self::NotRun(_)
            | Self::Changed
            | Self::Refused { .. }
            | Self::TimedOut
            | Self::TooLarge
            | Self::NotJson => self.clone(),
        })
    }
}

fn ended(code: Option<i32>) -> String {
    code.map_or_else(
        || "sops was ended by a signal".to_owned(),
        |code| format!("exit code {code}"),
    )
}

/// Reads these addresses, each file once.
pub(in crate::secret) async fn read<'a>(
    wanted: Vec<&'a SopsAddress>,
    providers: &Providers,
) -> Vec<LookupResult<'a, SopsAddress>> {
    let mut files: BTreeMap<&str, Vec<&'a SopsAddress>> = BTreeMap::new();
    for address in wanted {
        files.entry(&address.file).or_default().push(address);
    }
    let runs = files.into_iter().map(|(file, wanted)| async move {
        let document = decrypted(file, providers).await;
        providers.progress.record();
        let value = |pointer: &str| at(document.as_ref().map_err(Clone::clone)?, pointer);
        let found = wanted.into_iter();
        found
            .map(|address| (address, value(&address.pointer)))
            .collect::<Vec<_>>()
    });
    let runs = futures::stream::iter(runs).buffer_unordered(MOST_RUNS);
    runs.concat().await
}

fn at(document: &SecretJson, pointer: &str) -> Result<Secret, MissingReason> {
    let no_place = || MissingReason::NoPlace {
        place: escaped(pointer).into_owned(),
        // The file itself shows them.
        names: Vec::new(),
    };
    secret(document.at(pointer).ok_or_else(no_place)?)
}

async fn decrypted(path: &str, providers: &Providers) -> Result<SecretJson, MissingReason> {
    let encrypted = confined::read_bytes(path, &providers.secret_roots, &providers.own_files)?;
    let run = run(kind(path), &encrypted, &providers.sops_environment);
    let plain = tokio::time::timeout(DEADLINE, run)
        .await
        .map_err(|_| SopsProblem::TimedOut)??;
    Ok(SecretJson::parse(&plain).ok_or(SopsProblem::NotJson)?)
}

/// Format name of sops for a file with this ending. Like sops, it takes every other file for
/// one that was encrypted as a whole: `#/data` is its content.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("yaml" | "yml") => "yaml",
        Some("json") => "json",
        Some("env") => "dotenv",
        Some("ini") => "ini",
        Some(_) | None => "binary",
    }
}

async fn run(
    kind: &str,
    encrypted: &[u8],
    environment: &[(OsString, OsString)],
) -> Result<Zeroizing<Vec<u8>>, SopsProblem> {
    let mut child = start(kind, environment)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // If it does not read all its input, its exit code says so.
            let _ = stdin.write_all(encrypted).await;
        }
    };
    let (plain, words, ()) = tokio::join!(
        // Decrypted data is smaller: growing would keep pieces of secrets in freed memory.
        read_some(stdout, LARGEST, encrypted.len().saturating_mul(2)),
        read_some(stderr, LARGEST_WORDS, 0),
        write
    );
    let status = child
        .wait()
        .await
        .map_err(|error| SopsProblem::NotRun(error.kind()))?;
    match status.code() {
        Some(0) if plain.len() as u64 > LARGEST => Err(SopsProblem::TooLarge),
        Some(0) => Ok(plain),
        Some(NO_KEY) => Err(SopsProblem::NoKey {
            said: in_one_line(&words),
        }),
        Some(code) if CHANGED.contains(&code) => Err(SopsProblem::Changed),
        code => Err(SopsProblem::Refused { code }),
    }
}

fn start(kind: &str, environment: &[(OsString, OsString)]) -> Result<Child, SopsProblem> {
    let variable = |(name, value): &(OsString, OsString)| (name.clone(), value.clone());
    let started = Command::new(PROGRAM)
        .args(["decrypt", "--input-type", kind, "--output-type", "json"])
        // By name: versions before 3.11 do not read it unasked.
        .arg("/dev/stdin")
        .env_clear()
        .envs(environment.iter().map(variable))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    started.map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            SopsProblem::NotInstalled
        } else {
            SopsProblem::NotRun(error.kind())
        }
    })
}

/// Reads up to a limit and one byte more, and lets the rest pass.
async fn read_some(
    pipe: Option<impl AsyncRead + Unpin>,
    limit: u64,
    expected: usize,
) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected));
    if let Some(mut pipe) = pipe {
        // A broken pipe belongs to a program that ends; its exit code counts.
        let _ = (&mut pipe).take(limit + 1).read_to_end(&mut bytes).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    bytes
}

/// The words of several lines in one line.
fn in_one_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| *word != "|")
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn kind_of_a_file_is_known_by_its_ending() {
        let kinds = [
            "a.yaml", "a.yml", "a.json", "a.env", "a.ini", "a.b/c", "key.pem",
        ]
        .map(kind);
        let expected = ["yaml", "yaml", "json", "dotenv", "ini", "binary", "binary"];
        assert_eq!(kinds, expected);
    }

    /// The time is paused, and goes on when nothing else does.
    #[tokio::test(start_paused = true)]
    async fn a_program_that_hangs_is_given_up() {
        let root = tempfile::TempDir::new().unwrap();
        let program = root.path().join("sops");
        std::fs::write(&program, "#!/bin/sh\nexec sleep 1000\n").unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(root.path().join("f.yaml"), "a: b").unwrap();
        let path = format!("{}:/usr/bin:/bin", root.path().display());
        let providers = Providers {
            secret_roots: vec![root.path().to_owned()],
            sops_environment: vec![("PATH".into(), path.into())],
            ..Providers::with(Box::new(|_| None))
        };
        let found = decrypted("f.yaml", &providers).await;
        let timed_out = MissingReason::from(SopsProblem::TimedOut);
        assert_eq!(found.map(drop), Err(timed_out));
    }

    fn shown(said: &[u8], secrets: &[Secret]) -> String {
        let said = in_one_line(said);
        let problem = SopsProblem::NoKey { said }.scrubbed(&Scrubber::new(secrets));
        let text = problem.to_string();
        let (_, words) = text.split_once("sops reports: ").unwrap();
        words.to_owned()
    }

    #[test]
    fn words_come_in_one_line_cut_and_escaped() {
        assert_eq!(
            shown(b"Failed\n\n  - | to \x1b[31m\n  | go\n", &[]),
            "Failed - to \\u{1b}[31m go"
        );
        assert_eq!(
            shown("ä".repeat(2000).as_bytes(), &[]).chars().count(),
            LONGEST_WORDS
        );
    }

    #[test]
    fn secret_at_the_cut_is_removed_whole() {
        let secret = Secret::new("s3cr3t-of-the-key-service".to_owned());
        for before in LONGEST_WORDS - 30..LONGEST_WORDS {
            let said = "x".repeat(before - 1) + " " + secret.expose();
            let shown = shown(said.as_bytes(), std::slice::from_ref(&secret));
            assert!(!shown.contains("s3cr"), "{before}: {shown}");
        }
    }
}
