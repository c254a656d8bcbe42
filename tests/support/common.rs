//! Shared parts of the tests: a tenant, files, and the command run against them.
//!
//! A test starts in sync, changes one thing, and checks the output for the user and the
//! requests that the server got.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use http::Method;
use integrationd::simulator::{
    API_KEY, Fault, FaultKind, LoggedRequest, Simulator, SimulatorOptions, serve,
};
use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The example files.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("integrations.d")
}

/// The examples that tests of many integrations start from. A new example is not one
/// of them, so that it changes no number in these tests.
const EXAMPLES: [&str; 7] = [
    "bigquery.yaml",
    "databricks.yaml",
    "redshift.yaml",
    "s3.yaml",
    "snowflake.yaml",
    "synapse.yaml",
    "trino.yaml",
];

/// The text of an example file.
pub(crate) fn example(name: &str) -> String {
    std::fs::read_to_string(examples().join(name)).unwrap()
}

/// The environment variables that the examples name, each with a value that
/// occurs nowhere else.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("SNOWFLAKE_PASSWORD", "s3cr3t-of-snowflake-Qm7x"),
    ("DATABRICKS_CLIENT_SECRET", "s3cr3t-of-databricks-Vb2k"),
    ("REDSHIFT_PASSWORD", "s3cr3t-of-redshift-Lp9w"),
    ("SYNAPSE_PASSWORD", "s3cr3t-of-synapse-Zt4c"),
    (
        "BIGQUERY_KEYFILE",
        "{\"private_key\": \"s3cr3t-of-bigquery-Hd8n\"}",
    ),
    ("AWS_IMMUTA_ACCESS_KEY_ID", "s3cr3t-of-s3-id-Rf5y"),
    ("AWS_IMMUTA_SECRET_ACCESS_KEY", "s3cr3t-of-s3-key-Ug1j"),
];

/// A simulated tenant behind HTTP on loopback.
pub(crate) struct Tenant {
    pub(crate) simulator: Simulator,
    address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Tenant {
    /// A tenant without integrations that settles at once.
    pub(crate) fn empty() -> Self {
        Self::with(SimulatorOptions {
            settle: Duration::from_millis(20),
            ..SimulatorOptions::default()
        })
    }

    pub(crate) fn with(options: SimulatorOptions) -> Self {
        Self::of(Simulator::new(options))
    }

    pub(crate) fn of(simulator: Simulator) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel();
        let served = simulator.clone();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                serve(listener, served, async { drop(stopped.await) }).await;
            });
        });
        Self {
            simulator,
            address,
            shutdown: Some(shutdown),
            server: Some(server),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Something that goes wrong once.
    pub(crate) fn fails_once(&self, method: &Method, path: &str, kind: FaultKind) {
        self.simulator.fault(Fault::new(kind).on(method, path));
    }

    /// The id of the only integration of a platform, by the word of the API.
    #[track_caller]
    pub(crate) fn id_of(&self, platform: &str) -> u64 {
        let state = self.simulator.state();
        let mut found = state.iter().filter(|stored| stored["type"] == platform);
        let stored = found.next().unwrap();
        assert!(found.next().is_none(), "{platform} has two integrations");
        stored["id"].as_str().unwrap().parse().unwrap()
    }

    /// Every request so far, as `METHOD path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.simulator.log().iter().map(line).collect()
    }

    /// Every request that writes, as `METHOD path`; the exchange of a key is none.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.simulator
            .log()
            .iter()
            .filter(|entry| is_write(entry))
            .map(line)
            .collect()
    }

    /// The bodies of the writes.
    pub(crate) fn written(&self) -> Vec<serde_json::Value> {
        self.simulator
            .log()
            .into_iter()
            .filter(is_write)
            .filter_map(|entry| entry.body)
            .collect()
    }

    /// The tokens in the bodies of the writes, sorted.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let token = |body: serde_json::Value| body["config"]["token"].as_str().unwrap().to_owned();
        let mut tokens: Vec<_> = self.written().into_iter().map(token).collect();
        tokens.sort();
        tokens
    }
}

fn line(entry: &LoggedRequest) -> String {
    format!("{} {}", entry.method, entry.path)
}

fn is_write(entry: &LoggedRequest) -> bool {
    entry.method != "GET"
        && !entry.path.ends_with("/authenticate")
        && entry.path != "/data/object/search"
}

impl Drop for Tenant {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// A directory of integration files.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn none() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The seven examples with which tests start.
    pub(crate) fn examples() -> Self {
        let files = Self::none();
        for name in EXAMPLES {
            files.write(name, &example(name));
        }
        files
    }

    /// One file more, or another text for it.
    pub(crate) fn with(self, name: &str, text: &str) -> Self {
        self.write(name, text);
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces a text in a file; it must be there.
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Output of the command, and its exit.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Everything that it printed.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The document on standard output. A plan is as its published schema says.
    pub(crate) fn json(&self) -> serde_json::Value {
        let document = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON: {error}\n{}\n{}", self.stdout, self.stderr));
        is_valid_plan(&document);
        document
    }

    /// Fails the test, with everything that was printed, unless it ended so.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

/// Fails the test if a document has a plan that is not as `docs/plan.schema.json` says.
fn is_valid_plan(document: &serde_json::Value) {
    if document.get("plan_digest").is_none() {
        return;
    }
    let schema = include_str!("../../docs/plan.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\n{document:#}", errors.join("\n"));
}

/// A printed command, and the flags in it that select the files, the ledger and the tenant.
static SELECTING: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"(?:'[^']*'|[^\s`'"]+)"#;
    let names = "dir|state|socket|config|git|git-[a-z]+|allow-secret|secret-root|var|var-file|url|\
                 api-key-file|auth|ca-file|connections|vault-[a-z-]+";
    let flag = format!(r"--(?:{names})[ =]{value}");
    let place = r#"(?:\[FILES\]|/)[^\s`'"]*"#;
    let words = r"(?: (?:--?[a-z-]+ )?[^-\s`/\[][^\s`]*)*?";
    let command = format!(r"(integrationd [a-z]+{words})(?: (?:{flag}|{place}))+");
    Regex::new(&command).unwrap()
});

/// A run of the command, with an environment of its own.
pub(crate) struct Integrationd {
    /// Lives as long as the run.
    state: TempDir,
    command: Command,
    scrub: Vec<(String, &'static str)>,
    /// True if printed commands keep the flags that name places of the test.
    is_verbatim: bool,
}

impl Integrationd {
    /// With these arguments, and nothing of this process's environment but the
    /// path and the certificates.
    pub(crate) fn new<const N: usize>(args: [&str; N]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_integrationd"));
        command.env_clear().args(args);
        for name in ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // A state of its own for each run, which then knows nothing of the past.
        let state = TempDir::new().unwrap();
        command.env("XDG_STATE_HOME", state.path());
        Self {
            state,
            command,
            scrub: Vec::new(),
            is_verbatim: false,
        }
    }

    /// With printed commands as they are. Otherwise, they are shown without the flags that select
    /// the files, the ledger and the tenant, which differ from run to run.
    pub(crate) fn verbatim(mut self) -> Self {
        self.is_verbatim = true;
        self
    }

    /// Against this tenant, with a good key.
    pub(crate) fn on(self, tenant: &Tenant) -> Self {
        self.at(&tenant.url())
    }

    /// On these files, with the secrets of the examples in the environment.
    pub(crate) fn with(mut self, files: &Files) -> Self {
        self.command.arg(files.path()).envs(SECRETS.iter().copied());
        self.scrub
            .push((files.path().display().to_string(), "[FILES]"));
        self
    }

    /// One argument more.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// More arguments.
    pub(crate) fn args(self, args: &[&str]) -> Self {
        args.iter().fold(self, Self::arg)
    }

    /// In this working directory.
    pub(crate) fn within(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Against whatever is at this address, with a good key.
    pub(crate) fn at(mut self, url: &str) -> Self {
        self.command
            .env("IMMUTA_URL", url)
            .env("IMMUTA_API_KEY", API_KEY);
        self.scrub.push((url.to_owned(), "[TENANT]"));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Started by this command, which sets something up for it.
    pub(crate) fn under(mut self, prefix: &[&str]) -> Self {
        self.command = under(prefix, &self.command);
        self
    }

    pub(crate) fn run(self) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command);
        let output = command.timeout(Duration::from_secs(60)).output();
        ran(output.unwrap(), &self.scrub, self.is_verbatim)
    }

    /// Starts it and leaves it running.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            _state: self.state,
            stdout: Gathered::from(child.stdout.take().unwrap()),
            stderr: Gathered::from(child.stderr.take().unwrap()),
            child,
            scrub: self.scrub,
            is_verbatim: self.is_verbatim,
        }
    }

    /// The command itself, to be started in another way, and the state that it needs.
    pub(crate) fn into_command(self) -> (Command, TempDir) {
        (self.command, self.state)
    }
}

fn ran(output: Output, scrub: &[(String, &str)], is_verbatim: bool) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = output;
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let text = scrub
            .iter()
            .fold(text, |text, (from, to)| text.replace(from, to));
        if is_verbatim {
            return text;
        }
        SELECTING.replace_all(&text, "$1").into_owned()
    };
    Ran {
        code: status.code().unwrap_or(-1),
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// The process as another program starts it: with a prefix before it.
pub(crate) fn under(prefix: &[&str], command: &Command) -> Command {
    let mut wrapped = Command::new(prefix[0]);
    wrapped.args(&prefix[1..]).arg(command.get_program());
    wrapped.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            wrapped.env(name, value);
        }
    }
    wrapped
}

/// Sends a process a signal, such as `TERM`.
pub(crate) fn send_signal(pid: u32, name: &str) {
    let signal = match name {
        "ABRT" => Signal::ABORT,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "SEGV" => Signal::SEGV,
        "TERM" => Signal::TERM,
        other => panic!("{other}: add it here"),
    };
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A run that is under way.
pub(crate) struct Running {
    _state: TempDir,
    child: Child,
    stdout: Gathered,
    stderr: Gathered,
    scrub: Vec<(String, &'static str)>,
    is_verbatim: bool,
}

impl Running {
    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(self.child.id(), name);
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// True if it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself in the meantime.
        let _ = self.child.kill();
    }

    /// Its output so far.
    pub(crate) fn printed(&self) -> String {
        let text = |gathered: &Gathered| {
            let bytes = gathered.bytes.lock().unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        text(&self.stdout) + &text(&self.stderr)
    }

    /// Waits until it has printed something.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        let is_printed = || self.printed().contains(text);
        if !comes_true(is_printed) {
            panic!("never: {text}\n{}", self.printed());
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        let (stdout, stderr) = (self.stdout.end(), self.stderr.end());
        let output = Output {
            status,
            stdout,
            stderr,
        };
        ran(output, &self.scrub, self.is_verbatim)
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing running behind.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

/// Output of a process, as it comes.
struct Gathered {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Gathered {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = pipe.read(&mut chunk) {
                sink.lock().unwrap().extend_from_slice(&chunk[..n]);
            }
        });
        Self {
            bytes,
            reader: Some(reader),
        }
    }

    fn end(&mut self) -> Vec<u8> {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        std::mem::take(&mut self.bytes.lock().unwrap())
    }
}

/// A named pipe, whose reader waits for a writer: a file on a file system that does not
/// respond.
pub(crate) struct Pipe {
    pub(crate) path: PathBuf,
}

impl Pipe {
    pub(crate) fn make(path: &Path) -> Self {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
        let path = path.to_owned();
        Self { path }
    }

    /// Waits for a reader, which then waits as long as this is held.
    #[track_caller]
    pub(crate) fn is_read(&self) -> File {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(NONBLOCK);
        let mut writer = None;
        eventually("somebody reads the pipe", || {
            writer = options.open(&self.path).ok();
            writer.is_some()
        });
        writer.unwrap()
    }
}

/// `O_NONBLOCK` of Linux.
const NONBLOCK: i32 = 0o4000;

/// Waits until something is so; fails the test if it is not within a minute.
#[track_caller]
pub(crate) fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_true(is_so), "never: {what}");
}

/// True if a condition holds within a minute.
pub(crate) fn comes_true(mut is_so: impl FnMut() -> bool) -> bool {
    let begun = std::time::Instant::now();
    while !is_so() {
        if begun.elapsed() > Duration::from_secs(60) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// A Snowflake file, set up by hand, with a password from the environment.
pub(crate) fn snowflake(host: &str) -> String {
    format!(
        "type: Snowflake\nautoBootstrap: false\nconfig:\n  host: {host}.snowflakecomputing.com\n  \
         warehouse: WH\n  database: IMMUTA\n  authenticationType: userPassword\n  \
         username: immuta\n  password: ${{env:SNOWFLAKE_PASSWORD}}\n"
    )
}

/// A Databricks file, set up by hand, whose token is this reference.
pub(crate) fn lake(host: &str, reference: &str) -> String {
    format!(
        "type: Databricks\nautoBootstrap: false\nconfig:\n  workspaceUrl: {host}.example.com\n  \
         httpPath: /p\n  authenticationType: token\n  token: '{reference}'\n"
    )
}

/// Asserts that a reference to an own credential was refused where it stands.
#[track_caller]
pub(crate) fn is_refused_as_own(ran: Ran, tenant: &Tenant) {
    let told = ran.exits_with(65).all();
    assert!(
        told.contains("refers to one of integrationd's own credentials"),
        "{told}"
    );
    assert_eq!(tenant.writes(), [""; 0]);
}

/// A tenant and files that are in sync. They are created one at a time in the order
/// of their names, so that plans show the same ids in each run.
pub(crate) fn in_sync() -> (Tenant, Files) {
    let (tenant, files) = (Tenant::empty(), Files::examples());
    Integrationd::new(["sync", "--yes", "--parallelism", "1"])
        .on(&tenant)
        .with(&files)
        .run()
        .exits_with(0);
    tenant.simulator.clear_log();
    (tenant, files)
}
