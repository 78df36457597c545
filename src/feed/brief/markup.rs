//! Markup in which no text can become a tag: for the brief's page, mail and plots.
//!
//! Owns escaping and nothing else: names of tags and attributes are ours, every value goes through here. There
//! are no scripts, no styles and no foreign addresses in what it writes. Start with [`Markup`].

/// Markup under construction.
#[derive(Debug, Default)]
pub(super) struct Markup {
    out: String,
    open: Vec<&'static str>,
}

impl Markup {
    /// Opens a tag; `end` closes it.
    pub(super) fn tag(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.begin(name, attributes);
        self.out.push('>');
        self.open.push(name);
        self
    }

    /// A tag without content.
    pub(super) fn lone(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.begin(name, attributes);
        self.out.push_str("/>");
        self
    }

    /// A whole tag around a text.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) -> &mut Self {
        self.tag(name, attributes).text(text).end()
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        escape(&mut self.out, text);
        self
    }

    pub(super) fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
            if matches!(name, "li" | "p" | "h1" | "h2" | "section" | "figure" | "g" | "svg" | "ul") {
                self.out.push('\n');
            }
        }
        self
    }

    /// Markup of our own that is finished already.
    pub(super) fn put(&mut self, markup: &str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push(' ');
            self.out.push_str(key);
            self.out.push_str("=\"");
            escape(&mut self.out, value);
            self.out.push('"');
        }
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No XML may hold them, and nobody means them.
            c if c.is_control() && c != '\n' && c != '\t' => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
}
