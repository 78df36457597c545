//! What an answer of the API says about its cost, read while it passes through.
//!
//! Owns the incremental reader of an answer's bytes, event stream or plain JSON, whatever way the network cuts
//! them. Pure and bounded: an oversized line is skipped, never collected. It knows no price (`meter`) and
//! changes no byte. Start with [`UsageStream`].

use serde::Deserialize;

use crate::domain::usage::Usage;

/// A line of an event stream is kept up to this length; what cost us only a figure may be skipped.
const MAX_LINE: usize = 1024 * 1024;
/// A plain answer is kept up to this length.
const MAX_PLAIN: usize = 8 * 1024 * 1024;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Events,
    Plain,
}

/// What has been learnt of one answer so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// The model that answered, as the answer names it.
    pub(crate) model: Option<String>,
    /// Absent until the answer said anything about tokens.
    pub(crate) usage: Option<Usage>,
    /// How many of `usage.cache_write` are kept for an hour.
    pub(crate) hour_writes: u64,
    /// The answer gave its final figures.
    pub(crate) complete: bool,
    /// Bytes of generated content, for an estimate when the final figures never came.
    pub(crate) content: u64,
    /// Events that carried content or figures; pings and half lines do not count (F24).
    pub(crate) progress: u64,
}

/// Reads an answer chunk by chunk.
#[derive(Debug)]
pub(crate) struct UsageStream {
    form: Form,
    buffer: Vec<u8>,
    skipping: bool,
    seen: Seen,
}

impl UsageStream {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, buffer: Vec::new(), skipping: false, seen: Seen::default() }
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(crate) fn push(&mut self, mut chunk: &[u8]) {
        if self.form == Form::Plain {
            let room = MAX_PLAIN.saturating_sub(self.buffer.len());
            self.buffer.extend_from_slice(&chunk[..chunk.len().min(room)]);
            self.seen.content = self.seen.content.saturating_add(chunk.len() as u64);
            self.seen.progress += 1;
            return;
        }
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            self.keep(&chunk[..end]);
            self.line();
            chunk = &chunk[end + 1..];
        }
        self.keep(chunk);
    }

    /// The upstream ended the answer by itself.
    pub(crate) fn end(&mut self) {
        if self.form == Form::Plain {
            let plain = std::mem::take(&mut self.buffer);
            if let Ok(message) = serde_json::from_slice::<Message>(&plain) {
                let whole = message.usage.is_some();
                self.message(message);
                self.seen.complete |= whole;
            }
        } else {
            self.line();
        }
    }

    fn keep(&mut self, part: &[u8]) {
        if self.skipping || self.buffer.len() + part.len() > MAX_LINE {
            self.skipping = true;
            self.seen.content = self.seen.content.saturating_add((self.buffer.len() + part.len()) as u64);
            self.buffer.clear();
        } else {
            self.buffer.extend_from_slice(part);
        }
    }

    fn line(&mut self) {
        let line = std::mem::take(&mut self.buffer);
        let skipped = std::mem::replace(&mut self.skipping, false);
        let data = line.strip_suffix(b"\r").unwrap_or(&line).strip_prefix(b"data:");
        let event =
            data.filter(|_| !skipped).and_then(|data| serde_json::from_slice(data.trim_ascii_start()).ok());
        if let Some(event) = event {
            self.event(event);
        }
        self.buffer = line;
        self.buffer.clear();
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::MessageStart { message } => self.message(message),
            Event::MessageDelta { usage } => {
                if let Some(usage) = usage {
                    self.figures(usage);
                    self.seen.complete = true;
                }
            }
            Event::ContentBlockStart { content_block } => self.seen.content += content_block.0,
            Event::ContentBlockDelta { delta } => self.seen.content += delta.0,
            Event::Other => return,
        }
        self.seen.progress += 1;
    }

    fn message(&mut self, message: Message) {
        if let Some(model) = message.model.filter(|model| model.len() <= 256) {
            self.seen.model = Some(model);
        }
        if let Some(usage) = message.usage {
            self.figures(usage);
        }
    }

    /// Figures are cumulative: a later one replaces an earlier one, and an absent one or a zero says nothing.
    fn figures(&mut self, figures: Figures) {
        let usage = self.seen.usage.get_or_insert_default();
        let set = |to: &mut u64, from: Option<u64>| {
            if let Some(value) = from.filter(|value| *value > 0) {
                *to = value;
            }
        };
        set(&mut usage.input, figures.input_tokens);
        set(&mut usage.output, figures.output_tokens);
        set(&mut usage.cache_read, figures.cache_read_input_tokens);
        set(&mut usage.cache_write, figures.cache_creation_input_tokens);
        if let Some(creation) = figures.cache_creation {
            set(&mut self.seen.hour_writes, creation.ephemeral_1h_input_tokens);
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    MessageDelta {
        usage: Option<Figures>,
    },
    ContentBlockStart {
        #[serde(default)]
        content_block: Size,
    },
    ContentBlockDelta {
        #[serde(default)]
        delta: Size,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    model: Option<String>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct Figures {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<Creation>,
}

#[derive(Deserialize)]
struct Creation {
    ephemeral_1h_input_tokens: Option<u64>,
}

/// How many bytes of content a block or a delta carries.
#[derive(Default)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Texts {
            text: Option<String>,
            thinking: Option<String>,
            partial_json: Option<String>,
        }
        let texts = Texts::deserialize(from)?;
        let all = [texts.text, texts.thinking, texts.partial_json];
        Ok(Self(all.iter().flatten().map(|text| text.len() as u64).sum()))
    }
}

#[cfg(test)]
mod tests;
