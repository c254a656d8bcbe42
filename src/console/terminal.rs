//! Standard output, standard error and the question in between.
//!
//! Everything that is written goes through here, the log and the progress
//! included, so that no line is lost under another. Lines are folded where a
//! person reads them, and nowhere else.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use indicatif::MultiProgress;

use super::Color;
use super::wrap::{wrap, wrap_prose};
use crate::daemon::control::screen::ClientScreen;
use crate::daemon::push::message::ScreenPlace;
use crate::diagnostic;
use crate::manifest::Manifest;
use crate::report::exit::Exit;
use crate::report::failure::CommandFailure;
use crate::report::format::{OutputFormat, Rendered, render};
use crate::secret::Secret;
use crate::session::Watcher;
use crate::source::git::Revision;
use crate::text::escaped;

/// Names the file for the summary of a job, in GitHub Actions.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Output for results and messages. Standard output carries only the result.
#[derive(Clone)]
pub(crate) struct Terminal {
    color: ColorChoice,
    shared: Arc<Shared>,
    /// The client for which the daemon carries out a command; `None` for this process.
    client: Option<Arc<ClientScreen>>,
}

/// One for all clones.
#[derive(Default)]
struct Shared {
    /// The lines that are redrawn while an apply runs.
    bars: MultiProgress,
    /// True if a result could not be written.
    lost: AtomicBool,
}

impl Watcher for Terminal {
    fn no_files(&self, place: &str) {
        Self::no_files(self, place);
    }
}

/// Shows the mistakes in the files that a command reads.
pub(crate) struct DiagnosticsScreen(Terminal);

impl Watcher for DiagnosticsScreen {
    fn no_files(&self, place: &str) {
        self.0.no_files(place);
    }

    fn files(&self, _: Option<&Revision>, manifest: &Manifest) {
        let diagnostics = diagnostic::render(&manifest.diagnostics, true);
        self.0.err_unfolded(&diagnostics);
    }
}

impl Terminal {
    pub(crate) fn new(color: Color) -> Self {
        let color = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            color,
            shared: Arc::default(),
            client: None,
        }
    }

    /// The terminal of a client. The client folds lines, and omits colours where it has none.
    pub(crate) fn of_client(client: Arc<ClientScreen>) -> Self {
        Self {
            client: Some(client),
            ..Self::new(Color::Never)
        }
    }

    /// The client for which the daemon carries out a command.
    pub(crate) fn client(&self) -> Option<&ClientScreen> {
        self.client.as_deref()
    }

    /// Writes what a daemon has sent for this terminal.
    pub(crate) fn write(&self, place: ScreenPlace, text: &str) {
        match place {
            ScreenPlace::Prose => self.prose(text),
            ScreenPlace::Output => self.out(text),
            ScreenPlace::UnfoldedOutput => self.out_unfolded(text),
            ScreenPlace::Error => self.err(text),
            ScreenPlace::UnfoldedError => self.err_unfolded(text),
            ScreenPlace::JobSummary => self.job_summary(text),
        }
    }

    /// Shows the mistakes in the files that a command reads.
    pub(crate) fn with_diagnostics(self) -> DiagnosticsScreen {
        DiagnosticsScreen(self)
    }

    /// Writes to standard output.
    pub(crate) fn out(&self, text: &str) {
        if let Some(client) = &self.client {
            return client.write(ScreenPlace::Output, text);
        }
        let text = match columns(&io::stdout()) {
            Some(columns) => wrap(text, columns),
            None => text.to_owned(),
        };
        self.out_unfolded(&text);
    }

    /// Writes paragraphs to standard output.
    fn prose(&self, text: &str) {
        if let Some(client) = &self.client {
            return client.write(ScreenPlace::Prose, text);
        }
        let text = match columns(&io::stdout()) {
            Some(columns) => wrap_prose(text, columns),
            None => text.to_owned(),
        };
        self.out_unfolded(&text);
    }

    /// Writes to standard output what has a form of its own, such as a table.
    pub(crate) fn out_unfolded(&self, text: &str) {
        if let Some(client) = &self.client {
            return client.write(ScreenPlace::UnfoldedOutput, text);
        }
        let mut stream = AutoStream::new(io::stdout(), self.color);
        let written = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        if let Err(error) = written {
            self.lost(&error);
        }
    }

    /// Writes the result of a command to standard output.
    pub(crate) fn result(&self, result: &Rendered) {
        let Rendered {
            prose,
            kept,
            folded,
            summary,
        } = result;
        self.prose(prose);
        self.out_unfolded(kept);
        self.out(folded);
        self.job_summary(summary);
    }

    /// Adds to the summary of the job, if this process runs in one that has a summary.
    fn job_summary(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(client) = &self.client {
            return client.write(ScreenPlace::JobSummary, text);
        }
        let Some(path) = std::env::var_os(JOB_SUMMARY).filter(|path| !path.is_empty()) else {
            return;
        };
        let file = OpenOptions::new().append(true).create(true).open(&path);
        if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
            self.lost(&error);
        }
    }

    /// Writes a secret that is the result of a command to standard output, byte by byte.
    pub(crate) fn secret(&self, secret: &Secret) {
        let mut stream = io::stdout().lock();
        let written = stream.write_all(secret.expose().as_bytes());
        if let Err(error) = written.and_then(|()| stream.flush()) {
            self.lost(&error);
        }
    }

    /// Handles a failed write. A reader such as `head` may close the pipe early: that is not a
    /// failure. A full disk is one.
    fn lost(&self, error: &io::Error) {
        let is_first = !self.shared.lost.load(Ordering::Relaxed);
        if error.kind() != ErrorKind::BrokenPipe && is_first {
            self.shared.lost.store(true, Ordering::Relaxed);
            self.failure(
                format_args!("cannot write the result to standard output: {error}"),
                "check the disk or the program that receives the output",
            );
        }
    }

    /// Exit code of the process: success only if its result could be written.
    pub(crate) fn ending(&self, exit: Exit) -> Exit {
        let is_good = matches!(exit, Exit::Success | Exit::Pending);
        if is_good && self.shared.lost.load(Ordering::Relaxed) {
            Exit::Failed
        } else {
            exit
        }
    }

    /// Warns that a source has no integration files.
    pub(crate) fn no_files(&self, place: &str) {
        self.warning(
            format_args!("no integration files in {}", escaped(place)),
            "add files whose names end in .yaml, .yml or .json and do not begin with a dot",
        );
    }

    /// Writes to standard error.
    pub(crate) fn err(&self, text: &str) {
        if let Some(client) = &self.client {
            return client.write(ScreenPlace::Error, text);
        }
        let text = match columns(&io::stderr()) {
            Some(columns) => wrap(text, columns),
            None => text.to_owned(),
        };
        self.err_unfolded(&text);
    }

    /// Writes to standard error what has a form of its own, such as an excerpt of a file.
    pub(crate) fn err_unfolded(&self, text: &str) {
        if let Some(client) = &self.client {
            return client.write(ScreenPlace::UnfoldedError, text);
        }
        self.shared.bars.suspend(|| {
            let mut stream = AutoStream::new(io::stderr(), self.color);
            let _ = stream
                .write_all(text.as_bytes())
                .and_then(|()| stream.flush());
        });
    }

    /// A failure with its remedy.
    pub(crate) fn failure(&self, what: impl std::fmt::Display, help: impl std::fmt::Display) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        self.message(red, "error:", what, help);
    }

    /// Parts of a tenant that a result lacks: why owners are unknown, and what could not be read.
    pub(crate) fn gaps<'t>(
        &self,
        unknown_owners: impl Iterator<Item = &'t str>,
        unreadable: impl Iterator<Item = &'t str>,
        help: &str,
    ) {
        for reason in unknown_owners {
            self.err(&format!("note: {}\n", escaped(reason)));
        }
        for reason in unreadable {
            self.failure(escaped(reason), help);
        }
    }

    /// A command that came to no result, and where a document was asked for, also one on
    /// standard output.
    pub(crate) fn command_failure(&self, failure: &CommandFailure, format: OutputFormat) -> Exit {
        self.err_unfolded(&diagnostic::render(failure.mistakes(), true));
        self.failure(failure.what(), failure.help());
        self.result(&render(format, failure));
        failure.exit()
    }

    /// Something that may not be meant, with what to do then.
    pub(crate) fn warning(&self, what: impl std::fmt::Display, help: impl std::fmt::Display) {
        let yellow = anstyle::AnsiColor::Yellow.on_default().bold();
        self.message(yellow, "warning:", what, help);
    }

    fn message(
        &self,
        style: anstyle::Style,
        word: &str,
        what: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) {
        let bold = anstyle::Style::new().bold();
        self.err(&format!(
            "{style}{word}{style:#} {what}\n{bold} help:{bold:#} {help}\n"
        ));
    }

    /// True if the user can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        if let Some(client) = &self.client {
            return client.can_ask();
        }
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// The lines that may be redrawn, where they may.
    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        let may_redraw = self.client.is_none() && io::stderr().is_terminal();
        may_redraw.then_some(&self.shared.bars)
    }

    /// True if standard error shows colours.
    pub(crate) fn err_has_colour(&self) -> bool {
        if let Some(client) = &self.client {
            return client.has_colour();
        }
        AutoStream::new(io::stderr(), self.color).current_choice() != ColorChoice::Never
    }

    /// Asks a question; only `yes` means yes. The daemon, which asks a client, has other work
    /// meanwhile.
    pub(crate) async fn ask(&self, question: &str) -> bool {
        match &self.client {
            Some(client) => client.ask(question).await,
            None => self.ask_here(question),
        }
    }

    /// Asks the person at this process, and blocks the thread.
    pub(crate) fn ask_here(&self, question: &str) -> bool {
        self.err(question);
        let mut answer = String::new();
        match io::stdin().read_line(&mut answer) {
            Ok(0) | Err(_) => {
                // The cursor still stands behind the question.
                self.err("\n");
                false
            }
            Ok(_) => answer.trim() == "yes",
        }
    }
}

/// The width of the terminal behind a stream; nothing if there is none.
fn columns(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    let (terminal_size::Width(columns), _) = stream
        .is_terminal()
        .then(|| terminal_size::terminal_size_of(stream))
        .flatten()?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}
