//! Programs that verify signatures, and what any program says.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::error::GitFailure;
use super::session::GitSession;
use crate::text::{cut, escaped};

/// The most that is read of what a program writes; it writes a few lines.
const LARGEST_WORDS: u64 = 64 * 1024;

/// The most of it that is shown, in characters.
const LONGEST_WORDS: usize = 600;

/// Result of a program.
pub(super) struct ProgramOutput {
    pub(super) is_success: bool,
    pub(super) stdout: String,
    pub(super) stderr: Vec<u8>,
}

/// Runs a program with a private home and next to nothing of the environment.
pub(super) fn run(
    session: &GitSession,
    program: &'static str,
    arguments: &[OsString],
    home: &Path,
    input: &[u8],
) -> Result<ProgramOutput, GitFailure> {
    let failed = |source| GitFailure::Program { program, source };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let work = async {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", path)
            .env("HOME", home)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let write = async {
            if let Some(mut stdin) = stdin {
                // If it does not read all its input, its exit code says so.
                let _ = stdin.write_all(input).await;
            }
        };
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, stderr, ()) = tokio::join!(read_some(stdout), read_some(stderr), write);
        Ok(ProgramOutput {
            is_success: child.wait().await?.success(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr,
        })
    };
    session.wait(work)?.map_err(failed)
}

/// Reads up to a limit, and lets the rest pass.
pub(super) async fn read_some(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // A broken pipe belongs to a program that ends; its exit code counts.
        let _ = (&mut pipe)
            .take(LARGEST_WORDS)
            .read_to_end(&mut bytes)
            .await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    bytes
}

/// Its message on several lines, in one.
pub(super) fn words_of(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let words: Vec<&str> = text.split_whitespace().collect();
    escaped(&cut(&words.join(" "), LONGEST_WORDS)).into_owned()
}
