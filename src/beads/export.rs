//! All beads of any tracker as one JSONL text.
//!
//! Owns which lines are written and in which form; without a form every line that can be read keeps its bytes,
//! headers and memories among them. It writes no file. Start with [`Snapshot::export`].

use super::form::{self, Form};
use super::jsonl::Document;
use super::jsonl::record::Record;
use super::snapshot::Snapshot;

/// A tracker as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub bytes: Vec<u8>,
    pub beads: usize,
    /// What is not in it, a line each.
    pub left_out: Vec<String>,
}

impl Snapshot {
    /// The tracker in the form, or in its own.
    pub fn export(&self, form: Option<Form>) -> Export {
        let mut out = Export { bytes: Vec::new(), beads: self.beads.len(), left_out: Vec::new() };
        out.left_out.extend(self.problems.iter().map(ToString::to_string));
        match form {
            None => self.copy(&mut out),
            Some(form) => self.convert(form, &mut out),
        }
        out
    }

    /// Every line but those that cannot be read.
    fn copy(&self, out: &mut Export) {
        let mut problems = self.problems.iter().map(|p| p.line).peekable();
        for (at, line) in self.text().split_inclusive(|b| *b == b'\n').enumerate() {
            if problems.next_if_eq(&(at + 1)).is_some() {
                continue;
            }
            out.bytes.extend_from_slice(line);
        }
        if !out.bytes.is_empty() && !out.bytes.ends_with(b"\n") {
            out.bytes.push(b'\n');
        }
    }

    fn convert(&self, form: Form, out: &mut Export) {
        let mut last_comment = form::last_comment(&self.beads);
        for at in 0..self.beads.len() {
            let line = self.line(at).trim_start_matches('\u{feff}');
            let mut record = Record::parse(line).expect("a line that is a bead is a JSON object");
            form::reshape(&mut record, form, &mut last_comment);
            if form == Form::Modern {
                self.add_counts(&mut record, at);
            }
            out.bytes.extend_from_slice(record.render().trim_end_matches('\r').as_bytes());
            out.bytes.push(b'\n');
        }
        let others = self.beads.len() + self.problems.len();
        let lines = Document::read(self.text().to_vec()).lines;
        if lines.len() > others {
            let texts = lines.iter().map(|span| &self.text()[span.clone()]);
            for (at, line) in texts.enumerate().filter(|(_, line)| is_memory(line)) {
                if form == Form::Modern {
                    out.bytes.extend_from_slice(line);
                    out.bytes.push(b'\n');
                } else {
                    out.left_out.push(format!("line {}: a memory, which classic `bd` does not know", at + 1));
                }
            }
        }
    }
}

fn is_memory(line: &[u8]) -> bool {
    let kind =
        |map: &serde_json::Map<String, serde_json::Value>| map.get("_type").is_some_and(|t| t == "memory");
    matches!(serde_json::from_slice(line), Ok(serde_json::Value::Object(map)) if kind(&map))
}

#[cfg(test)]
mod tests;
