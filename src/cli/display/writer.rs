//! Lines on their way to a terminal or a pipe that may be slow, stopped or gone.
//!
//! Owns a thread that alone may wait for the reader, and a queue with an end: what finds no room is counted and
//! told, never waited for (F46). The journal has everything anyway. Start with [`Writer`].

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use crate::cli::output::Output;

/// Lines that wait for a slow reader.
const QUEUE: usize = 10_000;
/// How long the end waits for a reader that does not read.
const LAST: Duration = Duration::from_secs(3);

enum Line {
    /// One JSON value for stdout.
    Value(String),
    Say(String),
    Standing(String),
    End(Sender<()>),
}

#[derive(Clone)]
pub(super) struct Writer {
    lines: SyncSender<Line>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn new(output: Output, terminal: bool) -> Self {
        let (lines, queue) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let pen = Pen { output, terminal, standing: String::new(), lost: Arc::clone(&lost) };
        std::thread::spawn(move || pen.write(&queue));
        Self { lines, lost }
    }

    pub(super) fn value(&self, value: &impl serde::Serialize) {
        self.send(Line::Value(serde_json::to_string(value).unwrap_or_default()));
    }

    pub(super) fn say(&self, line: String) {
        self.send(Line::Say(line));
    }

    /// The last line, drawn anew on a terminal and left out everywhere else.
    pub(super) fn standing(&self, line: String) {
        let _ = self.lines.try_send(Line::Standing(line));
    }

    /// Returns when everything is written, or when the reader had its time.
    pub(super) fn done(&self) {
        let (told, written) = channel();
        if self.lines.try_send(Line::End(told)).is_ok() {
            let _ = written.recv_timeout(LAST);
        }
    }

    fn send(&self, line: Line) {
        if self.lines.try_send(line).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Pen {
    output: Output,
    terminal: bool,
    /// As it is on the terminal now.
    standing: String,
    lost: Arc<AtomicU64>,
}

impl Pen {
    fn write(mut self, queue: &Receiver<Line>) {
        for line in queue {
            let lost = self.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                self.say(&format!("{lost} lines were left out here; `bead events` has them"));
            }
            match line {
                Line::Value(text) => {
                    // A reader that went away is no reason to end a night.
                    let _ = writeln!(std::io::stdout().lock(), "{text}");
                }
                Line::Say(text) => self.say(&text),
                Line::Standing(text) => self.draw(&text),
                Line::End(told) => {
                    self.draw("");
                    let _ = told.send(());
                }
            }
        }
    }

    fn say(&self, line: &str) {
        if self.terminal {
            let _ = write!(anstream::stderr(), "\r\x1b[K");
        }
        self.output.say(line);
        if self.terminal && !self.standing.is_empty() {
            let _ = write!(anstream::stderr(), "{}", self.standing);
        }
    }

    fn draw(&mut self, text: &str) {
        if !self.terminal {
            return;
        }
        self.standing = Output::fit(text, self.output.width.saturating_sub(1));
        let _ = write!(anstream::stderr(), "\r\x1b[K{}", self.standing);
        let _ = anstream::stderr().flush();
    }
}
