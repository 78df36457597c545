//! The two streams: stdout is data, stderr is talk.
//!
//! Owns colour, width and the cleaning of untrusted text before a terminal sees it (T34). Commands never
//! print by themselves. A reader that goes away (`| head`) ends a command quietly. Start with [`Output`].

use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::domain::clean;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    pub json: bool,
    pub quiet: bool,
    pub width: usize,
    /// stdout is a terminal.
    pub terminal: bool,
}

/// Meanings of colour; nothing is said by colour alone.
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const BAD: Style = AnsiColor::Red.on_default();
pub const WARN: Style = AnsiColor::Yellow.on_default();
pub const DIM: Style = Style::new().dimmed();
pub const STRONG: Style = Style::new().bold();

/// Text in a style, reset after it.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

impl Output {
    /// One line of data for people. The text must be clean already, apart from our own colours.
    pub fn line(self, text: &str) {
        ignore_gone_reader(writeln!(anstream::stdout().lock(), "{text}"));
    }

    /// One JSON value on a line of its own.
    pub fn value(self, value: &impl serde::Serialize) {
        let text = serde_json::to_string(value).expect("our own types serialise");
        ignore_gone_reader(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// One JSON value, laid out for reading: the only data a command prints.
    pub fn document(self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value).expect("our own types serialise");
        ignore_gone_reader(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// Talk. Silent under `--quiet`.
    pub fn say(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    /// Untrusted text on one line of at most `columns`.
    pub fn fit(text: &str, columns: usize) -> String {
        clean::ellipsis(&clean::clean_line(text), columns)
    }
}

/// `bead list | head` closes the pipe: that is how its user says "enough".
fn ignore_gone_reader(written: std::io::Result<()>) {
    if let Err(error) = written
        && error.kind() == std::io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}
