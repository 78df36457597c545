//! The two streams: stdout is data, stderr is talk.
//!
//! Owns colour, width and the cleaning of untrusted text before a terminal sees it (T34). Commands never
//! print by themselves. A reader that goes away (`| head`) ends a command quietly. Start with [`Output`].

use std::io::Write;

use anstyle::{AnsiColor, Style};

use super::CliError;
use super::arguments::{Arguments, Colour};
use crate::config::environment::Environment;
use crate::domain::clean;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Output {
    pub json: bool,
    pub quiet: bool,
    pub width: usize,
    /// stdout is a terminal.
    pub terminal: bool,
}

/// Meanings of colour; nothing is said by colour alone.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const STRONG: Style = Style::new().bold();

/// Text in a style, reset after it.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

impl Output {
    pub(super) fn new(arguments: &Arguments, environment: &Environment) -> Self {
        use std::io::IsTerminal as _;
        let choice = match arguments.color {
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
            Colour::Auto if environment.no_color => anstream::ColorChoice::Never,
            Colour::Auto if environment.force_color => anstream::ColorChoice::Always,
            Colour::Auto => anstream::ColorChoice::Auto,
        };
        choice.write_global();
        let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let width = environment.columns.or(size.map(|s| s.ws_col)).filter(|n| *n >= 20).unwrap_or(100);
        Self {
            json: arguments.json,
            quiet: arguments.quiet,
            width: usize::from(width),
            terminal: std::io::stdout().is_terminal(),
        }
    }

    /// A failed command: words on stderr, and one JSON object on stdout for scripts that asked for it.
    pub(super) fn fail(self, error: &CliError) {
        if self.json {
            self.value(&error.json());
        }
        let text = error.render();
        let text = clean::clean(&text);
        for line in text.lines() {
            let line = match line.strip_prefix("error:") {
                Some(rest) => format!("{}{rest}", paint(BAD, "error:")),
                None => line.to_owned(),
            };
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        }
    }

    /// Something a person must not miss, also under `--quiet`.
    pub(super) fn warn(self, text: &str) {
        let _ =
            writeln!(anstream::stderr().lock(), "{} {}", paint(WARN, "warning:"), clean::clean_line(text));
    }

    /// One line of data for people. The text must be clean already, apart from our own colours.
    pub(super) fn line(self, text: &str) {
        ignore_gone_reader(writeln!(anstream::stdout().lock(), "{text}"));
    }

    /// One line of data exactly as it is, without any thought of colour.
    pub(super) fn plain(self, text: &str) {
        ignore_gone_reader(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// One JSON value on a line of its own.
    pub(super) fn value(self, value: &impl serde::Serialize) {
        let text = serde_json::to_string(value).expect("our own types serialise");
        ignore_gone_reader(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// One JSON value, laid out for reading: the only data a command prints.
    pub(super) fn document(self, value: &impl serde::Serialize) {
        let text = serde_json::to_string_pretty(value).expect("our own types serialise");
        ignore_gone_reader(writeln!(std::io::stdout().lock(), "{text}"));
    }

    /// Talk. Silent under `--quiet`.
    pub(super) fn say(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    /// Untrusted text on one line of at most `columns`.
    pub(super) fn fit(text: &str, columns: usize) -> String {
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
