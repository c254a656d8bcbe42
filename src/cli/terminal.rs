//! Standard output, standard error and the question in between.

use std::io::{IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::args::Color;

/// Where results and messages go. Standard output carries the result only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    color: ColorChoice,
}

impl Terminal {
    pub(super) fn new(color: Color) -> Self {
        let color = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { color }
    }

    /// Writes to standard output. Whoever reads it may have gone away: that is no failure.
    pub(super) fn out(self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout(), self.color);
        let _ = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
    }

    /// Writes to standard error.
    pub(super) fn err(self, text: &str) {
        let mut stream = AutoStream::new(std::io::stderr(), self.color);
        let _ = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
    }

    /// A failure with its remedy.
    pub(super) fn failure(self, what: impl std::fmt::Display, help: impl std::fmt::Display) {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        let bold = anstyle::Style::new().bold();
        self.err(&format!(
            "{red}error:{red:#} {what}\n{bold} help:{bold:#} {help}\n"
        ));
    }

    /// Whether somebody is there to be asked.
    pub(super) fn can_ask(self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Whether progress may redraw lines.
    pub(super) fn can_redraw(self) -> bool {
        std::io::stderr().is_terminal()
    }

    /// Asks a question; only `yes` or `y` means yes.
    pub(super) fn ask(self, question: &str) -> bool {
        self.err(question);
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        read.is_ok() && matches!(answer.trim(), "yes" | "y")
    }
}
