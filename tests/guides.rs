//! The guides: every command in them runs as it is written, against a simulated tenant, and
//! the page shows its output.
//!
//! In a block of `console`, a line after `$ ` is a command, `> ` continues it, and the other
//! lines are its output, standard error included; a last line `[exit code N]` stands for a
//! failure. `console background` starts programs that go on, such as the simulator. A block
//! whose first line is `# PATH` is the text of that file. Commands share one shell, in a home
//! directory of their own. Addresses, times, durations and ids of commits, which differ from
//! run to run, are replaced. `UPDATE_DOCS=1 cargo test --test tests guides::` writes the outputs.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::common::eventually;
use crate::programs::{CURL, needs};

/// Writes every output anew.
const UPDATE: &str = "UPDATE_DOCS=1 cargo test --test tests guides::";

/// The longest that a command of a guide may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Begins the line that ends the output of a command.
const END: char = '\u{1}';

/// Text that differs from run to run, and its replacement.
const VOLATILE: &[(&str, &str)] = &[
    (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        "2026-11-02T09:30:00Z",
    ),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "2026-11-02 09:30$1"),
    (r"\b\d+(\.\d+)?\s?(ms|s)\b", "0.4 s"),
    // The files contain the address.
    (r"-commit\) [0-9a-f]{7}", "-commit) 4ac01d5"),
    (
        r"index [0-9a-f]{7}\.\.[0-9a-f]{7}",
        "index 6ba2e6b..491fa23",
    ),
];

/// A shell that a guide's commands run in, one after the other.
struct Shell {
    home: TempDir,
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    background: Vec<Child>,
    /// Addresses of the page, and those that are in use instead.
    addresses: Vec<(String, String)>,
    volatile: Vec<(Regex, &'static str)>,
}

impl Shell {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        std::fs::create_dir_all(home.path().join("home/ada")).unwrap();
        let mut command = bare(&home, "bash");
        command.args(["--noprofile", "--norc"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        let mut input = shell.stdin.take().unwrap();
        writeln!(input, "exec 2>&1").unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let pattern =
            |(pattern, text): &(&str, &'static str)| (Regex::new(pattern).unwrap(), *text);
        Self {
            home,
            shell,
            input,
            lines,
            background: Vec::new(),
            addresses: Vec::new(),
            volatile: VOLATILE.iter().map(pattern).collect(),
        }
    }

    /// Runs a command, and returns its output.
    fn run(&mut self, command: &str) -> String {
        let command = self.with_addresses_in_use(command);
        writeln!(
            self.input,
            "{{ {command}\n}} </dev/null; printf '\\n\\001%s\\n' $?"
        )
        .unwrap();
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("`{command}`: {error}: {output}"));
            if let Some(code) = line.strip_prefix(END) {
                output.truncate(output.len().saturating_sub(1));
                if code != "0" {
                    writeln!(output, "[exit code {code}]").unwrap();
                }
                return self.stable(&output);
            }
            writeln!(output, "{line}").unwrap();
        }
    }

    /// Starts a program that goes on, and returns its output once it is ready.
    fn start(&mut self, command: &str, shown: &str) -> String {
        let listens = Regex::new(r"--listen[= ](127\.0\.0\.1:\d+)").unwrap();
        let documented = listens.captures(command).map(|found| found[1].to_owned());
        let mut in_use = self.with_addresses_in_use(command);
        if let Some(address) = &documented {
            in_use = in_use.replace(address.as_str(), "127.0.0.1:0");
        }
        let log = self
            .home
            .path()
            .join(format!("background.{}", self.background.len()));
        let output = File::create(&log).unwrap();
        let mut child = bare(&self.home, "bash");
        child.args(["--noprofile", "--norc", "-c", &format!("exec {in_use}")]);
        child
            .stdin(Stdio::null())
            .stderr(output.try_clone().unwrap())
            .stdout(output);
        self.background.push(child.spawn().unwrap());
        let printed = || std::fs::read_to_string(&log).unwrap();
        let lines = shown.lines().count().max(1);
        eventually(command, || printed().lines().count() >= lines);
        if let Some(documented) = documented {
            let address = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
            let printed = printed();
            let actual = address.find(&printed).unwrap().as_str().to_owned();
            self.addresses.push((documented, actual));
        }
        self.stable(&printed())
    }

    /// Writes a file of the guide.
    fn save(&self, path: &str, text: &str) {
        let path = self.directory().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, self.with_addresses_in_use(text)).unwrap();
    }

    /// The directory that the shell is in.
    fn directory(&self) -> PathBuf {
        let link = format!("/proc/{}/cwd", self.shell.id());
        std::fs::read_link(link).unwrap()
    }

    fn with_addresses_in_use(&self, command: &str) -> String {
        let mut command = command.to_owned();
        for (documented, actual) in &self.addresses {
            command = command.replace(documented.as_str(), actual);
        }
        command
    }

    /// The output without anything that differs from run to run.
    fn stable(&self, output: &str) -> String {
        let mut output = output.replace(self.home.path().to_str().unwrap(), "");
        for (documented, actual) in &self.addresses {
            output = output.replace(actual.as_str(), documented);
        }
        for (pattern, text) in &self.volatile {
            output = pattern.replace_all(&output, *text).into_owned();
        }
        let lines = output.lines().map(str::trim_end);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for child in self.background.iter_mut().chain([&mut self.shell]) {
            let group = Pid::from_child(child);
            // One that has ended already needs no signal.
            let _ = kill_process_group(group, Signal::KILL);
            child.wait().unwrap();
        }
    }
}

/// A program in the home directory of a guide, in a process group of its own.
fn bare(home: &TempDir, program: &str) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_integrationd"));
    let path = format!("{}:/usr/bin:/bin", built.parent().unwrap().display());
    let directory = home.path().join("home/ada");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", &directory)
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("COLUMNS", "100")
        .current_dir(&directory)
        .process_group(0);
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Ada")
            .env(format!("GIT_{role}_EMAIL"), "ada@example.com")
            .env(format!("GIT_{role}_DATE"), "2026-11-02T09:00:00Z");
    }
    for (name, value) in [
        // Writes in the order of the files.
        ("INTEGRATIOND_PARALLELISM", "1"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "init.defaultBranch"),
        ("GIT_CONFIG_VALUE_0", "main"),
    ] {
        command.env(name, value);
    }
    command
}

/// A fenced block: the word after the fence, and its lines.
struct Block<'a> {
    kind: &'a str,
    text: String,
}

/// The commands of a block, each with its output.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (
            line.strip_prefix("$ "),
            line.strip_prefix("> "),
            commands.last_mut(),
        ) {
            (Some(command), _, _) => commands.push((command.to_owned(), String::new())),
            (None, Some(more), Some((command, output))) if output.is_empty() => {
                write!(command, "\n{more}").unwrap();
            }
            (None, _, Some((_, output))) => writeln!(output, "{line}").unwrap(),
            (None, _, None) => panic!("output before the first command: {line}"),
        }
    }
    commands
}

impl Block<'_> {
    /// The block as a run of it shows it.
    fn played(&self, shell: &mut Shell) -> String {
        let is_background = match self.kind {
            "console" => false,
            "console background" => true,
            _ => {
                if let Some((path, text)) = self.file() {
                    shell.save(path, text);
                }
                return self.text.clone();
            }
        };
        let mut played = String::new();
        for (command, shown) in commands(&self.text) {
            let output = match is_background {
                true => shell.start(&command, &shown),
                false => shell.run(&command),
            };
            writeln!(played, "$ {}\n{output}", command.replace('\n', "\n> ")).unwrap();
            played.truncate(played.len() - 1);
        }
        played
    }

    /// The path and the text of the file that this is.
    fn file(&self) -> Option<(&str, &str)> {
        let (first, text) = self.text.split_once('\n')?;
        let path = first.strip_prefix("# ")?;
        (!path.contains(' ') && path.contains('.')).then_some((path, text))
    }
}

/// The page with the outputs that its commands have now.
fn played(page: &str) -> String {
    let mut shell = Shell::new();
    let (mut played, mut block) = (String::new(), None);
    for line in page.lines() {
        block = match (block.take(), line.strip_prefix("```")) {
            (None, Some(kind)) => Some(Block {
                kind,
                text: String::new(),
            }),
            (Some(block), Some(_)) => {
                let text = Block::played(&block, &mut shell);
                writeln!(played, "```{}\n{text}```", block.kind).unwrap();
                None
            }
            (Some(mut block), None) => {
                writeln!(block.text, "{line}").unwrap();
                Some(block)
            }
            (None, None) => {
                writeln!(played, "{line}").unwrap();
                None
            }
        };
    }
    assert!(block.is_none(), "a block is not closed");
    played
}

/// Runs a guide, and compares it with its page.
#[track_caller]
fn shows_its_outputs(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/guides")
        .join(name);
    let page = std::fs::read_to_string(&path).unwrap();
    let played = played(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, played).unwrap();
        return;
    }
    let diff = similar::TextDiff::from_lines(&page, &played);
    let diff = diff.unified_diff().header("page", "now").to_string();
    assert!(diff.is_empty(), "{name} is out of date: {UPDATE}\n{diff}");
}

/// Declares a test for each guide, and the list of them all.
macro_rules! guides {
    ($($test:ident = $file:literal;)+) => {
        $(#[test]
        fn $test() {
            needs!(CURL);
            shows_its_outputs($file);
        })+

        const GUIDES: &[&str] = &[$($file),+];
    };
}

guides! {
    disaster = "disaster.md";
    environments = "environments.md";
    first_sync = "first-sync.md";
    from_the_ui_to_files = "from-the-ui.md";
    manual_set_up = "manual-setup.md";
    secrets_and_their_rotation = "secrets.md";
}

#[test]
fn every_guide_is_run() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guides");
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let mut guides = GUIDES.to_vec();
    guides.sort_unstable();
    assert_eq!(names, guides);
}

#[test]
fn output_of_another_command_is_noticed() {
    let page = "# Title\n\n```console\n$ echo one\none\n$ echo two; false\nthree\n```\n";
    let expected = page.replace("three", "two\n[exit code 1]");
    assert_eq!(played(page), expected);
}
