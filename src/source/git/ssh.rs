//! git over ssh, by the system's program: agent, configuration and hardware keys come with it.
//! It never prompts, and accepts no unknown host key.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use git2::transport::{Service, SmartSubtransportStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::address::SshAddress;
use super::error::GitFailure;
use super::problem::SshProblem;
use super::program::{read_some, words_of};
use super::session::{GitSession, GitTransport};

const PROGRAM: &str = "ssh";

/// It failed itself; other codes come from the command that the server ran.
const OWN_FAILURE: i32 = 255;

/// Time for the connection, in seconds. The deadline stands above it.
const CONNECT_TIMEOUT: &str = "10";

/// Environment variables for ssh, its agent and its configuration.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
];

/// Credentials and trust of ssh. Absent values are ssh's own.
#[derive(Debug, Clone, Default)]
pub struct SshSettings {
    /// A private key, tried alone.
    pub identity_file: Option<PathBuf>,
    /// The known hosts, and no others.
    pub known_hosts_file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub(super) struct SshRoute {
    pub(super) address: SshAddress,
    pub(super) settings: SshSettings,
}

impl GitTransport for SshRoute {
    fn is_stateless(&self) -> bool {
        false
    }

    fn open(
        &self,
        session: &Arc<GitSession>,
        _service: Service,
    ) -> Result<Box<dyn SmartSubtransportStream>, GitFailure> {
        Ok(Box::new(SshConnection::new(session, self)?))
    }
}

/// The arguments. Options on the command line go before those of its configuration.
fn arguments(route: &SshRoute) -> Vec<OsString> {
    let SshRoute { address, settings } = route;
    let mut arguments: Vec<OsString> = vec!["-T".into(), "-x".into(), "-a".into()];
    let mut option = |text: OsString| arguments.extend(["-o".into(), text]);
    for text in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "VisualHostKey=no",
        "LogLevel=ERROR",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "RemoteCommand=none",
        "ControlMaster=no",
        "ControlPath=none",
    ] {
        option(text.into());
    }
    option(format!("ConnectTimeout={CONNECT_TIMEOUT}").into());
    if let Some(file) = &settings.known_hosts_file {
        option(with_path("UserKnownHostsFile", file));
        option("GlobalKnownHostsFile=/dev/null".into());
    }
    if let Some(file) = &settings.identity_file {
        option(with_path("IdentityFile", file));
        option("IdentitiesOnly=yes".into());
    }
    if let Some(port) = address.port {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    if let Some(user) = &address.user {
        arguments.extend(["-l".into(), user.into()]);
    }
    // The path has no quote in it: see `address`.
    let command = format!("git-upload-pack '{}'", address.path);
    arguments.extend(["--".into(), (&address.host).into(), command.into()]);
    arguments
}

/// An option with a path that ssh takes as it is.
fn with_path(name: &str, path: &Path) -> OsString {
    let path = path.to_string_lossy();
    let path = path.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{}\"", path.replace('%', "%%")).into()
}

/// The program under way, with git's command at its other end.
pub(super) struct SshConnection {
    session: Arc<GitSession>,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    words: Option<JoinHandle<Vec<u8>>>,
    /// Bytes of the list of references so far: what comes before anything is asked.
    advertised: Option<u64>,
}

impl SshConnection {
    pub(super) fn new(session: &Arc<GitSession>, route: &SshRoute) -> Result<Self, GitFailure> {
        let environment = std::env::vars_os();
        let environment =
            environment.filter(|(name, _)| PASSED.iter().any(|passed| name == passed));
        let mut child = Command::new(PROGRAM)
            .args(arguments(route))
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // With its stream it ends, also in the middle.
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| GitFailure::Program {
                program: PROGRAM,
                source,
            })?;
        let stderr = child.stderr.take();
        Ok(Self {
            session: Arc::clone(session),
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            words: Some(tokio::spawn(read_some(stderr))),
            advertised: Some(0),
            child,
        })
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, GitFailure> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(0);
        };
        match self.session.wait(stdout.read(buffer))? {
            Ok(size @ 1..) => {
                match self.advertised {
                    Some(before) => {
                        self.advertised = Some(self.session.receive_references(before, size)?);
                    }
                    None => self.session.receive(size)?,
                }
                Ok(size)
            }
            Ok(0) | Err(_) => self.end().map(|()| 0),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), GitFailure> {
        self.advertised = None;
        let Some(stdin) = &mut self.stdin else {
            return self.end();
        };
        let sent = self.session.wait(async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        })?;
        match sent {
            Ok(()) => Ok(()),
            Err(_) => self.end(),
        }
    }

    /// It has nothing more to say: by its own will, or because it failed.
    fn end(&mut self) -> Result<(), GitFailure> {
        self.stdin = None;
        let words = self.words.take();
        let (status, words) = self.session.wait(async {
            let words = match words {
                Some(words) => words.await.unwrap_or_default(),
                None => Vec::new(),
            };
            (self.child.wait().await, words)
        })?;
        let code = status.ok().and_then(|status| status.code());
        match code {
            Some(0) => Ok(()),
            code => Err(GitFailure::Ssh {
                problem: problem(code, &String::from_utf8_lossy(&words)),
                said: words_of(&words),
            }),
        }
    }
}

/// ssh has one exit code for all failures of its own, and words that it does not
/// translate: they only choose among refusals, and none leads to a success.
fn problem(code: Option<i32>, words: &str) -> SshProblem {
    let says = |text: &str| words.contains(text);
    if code != Some(OWN_FAILURE) {
        return code.map_or(SshProblem::Failed, |_| SshProblem::NoRepository);
    }
    if says("HOST IDENTIFICATION HAS CHANGED") || says("REVOKED HOST KEY") {
        SshProblem::HostChanged
    } else if says("Host key verification failed") || says("host key is known for") {
        SshProblem::HostUnknown
    } else if says("Permission denied") || says("Too many authentication failures") {
        SshProblem::Denied
    } else {
        SshProblem::Failed
    }
}

impl Read for SshConnection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let received = self.receive(buffer);
        received.map_err(|failure| self.session.keep_io(failure))
    }
}

impl Write for SshConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.send(bytes);
        sent.map_err(|failure| self.session.keep_io(failure))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
