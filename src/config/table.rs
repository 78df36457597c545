//! Reads a YAML document key by key and can say where every key stands.
//!
//! Owns the bounded parse, typed access and the line of a key, which the parser itself does not tell for
//! values. It knows no key by name: `project` and `user` do. Hostile input is expected. Start with
//! [`Document::parse`] and [`Table`].

mod lines;

use serde_yaml::{Mapping, Value};

use super::duration::{BadAmount, Size, Span};
use super::error::{ConfigError, Place};
use lines::{Step, line_of};

/// A configuration file has at most this many bytes.
const MOST_BYTES: usize = 256 << 10;

/// One parsed file and its text.
pub(crate) struct Document {
    file: String,
    text: String,
    root: Mapping,
}

/// One mapping of a document with its way from the root.
#[derive(Clone)]
pub(crate) struct Table<'a> {
    document: &'a Document,
    map: &'a Mapping,
    path: Vec<Step>,
}

impl Document {
    pub(crate) fn parse(bytes: &[u8], file: &str) -> Result<Self, ConfigError> {
        let file = file.to_owned();
        if bytes.len() > MOST_BYTES {
            return Err(ConfigError::TooLarge { file, bytes: bytes.len(), most: MOST_BYTES });
        }
        let syntax = |line, why: &str| {
            let place = Place { file: file.clone(), line };
            ConfigError::Syntax { place, why: why.to_owned() }
        };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
            syntax(line, "expected UTF-8 text")
        })?;
        let value: Value = serde_yaml::from_str(text).map_err(|error| {
            let line = error.location().map_or(0, |at| at.line());
            let why = error.to_string();
            // The parser ends its sentence with the place, which ours begins with.
            syntax(line, why.split(" at line ").next().unwrap_or(&why))
        })?;
        let root = match value {
            Value::Mapping(map) => map,
            Value::Null => Mapping::new(),
            other => return Err(syntax(1, &format!("expected keys and values, found {}", shown(&other)))),
        };
        Ok(Self { text: text.to_owned(), root, file })
    }

    pub(crate) fn root(&self) -> Table<'_> {
        Table { document: self, map: &self.root, path: Vec::new() }
    }
}

impl<'a> Table<'a> {
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.map.keys().map(|key| key.as_str().map_or_else(|| shown(key).replace('`', ""), str::to_owned))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Whether the key holds keys and values, where a plain value would do too.
    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(Value::is_mapping)
    }

    /// Refuses every key that is not in the list, naming the nearest one that is.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        let unknown = self.keys().find(|key| !known.contains(&key.as_str()));
        let Some(key) = unknown else { return Ok(()) };
        let nearest = nearest(&key, known).map(str::to_owned);
        Err(ConfigError::UnknownKey { place: self.place(&key), key: self.name(&key), nearest })
    }

    /// The dotted name of a key, as error messages show it.
    pub(crate) fn name(&self, key: &str) -> String {
        let mut name = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if name.is_empty() => name.push_str(key),
                Step::Key(key) => name.push_str(&format!(".{key}")),
                Step::Item(at) => name.push_str(&format!("[{at}]")),
            }
        }
        let key: String = key.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect();
        if name.is_empty() { key } else { format!("{name}.{key}") }
    }

    /// Where this table begins, for a key that is not there.
    fn here(&self) -> Place {
        Place { file: self.document.file.clone(), line: line_of(&self.document.text, &self.path) }
    }

    pub(crate) fn missing(&self, key: &str, expected: &'static str) -> ConfigError {
        ConfigError::Missing { place: self.here(), key: self.name(key), expected }
    }

    pub(crate) fn place(&self, key: &str) -> Place {
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_owned()));
        Place { file: self.document.file.clone(), line: line_of(&self.document.text, &path) }
    }

    pub(crate) fn bad(&self, key: &str, expected: &str, found: &str) -> ConfigError {
        let (expected, found) = (expected.to_owned(), found.to_owned());
        ConfigError::Value { place: self.place(key), key: self.name(key), expected, found }
    }

    fn typed<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        match self.map.get(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(self.bad(key, expected, &shown(value))),
            },
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        self.typed(key, "text", Value::as_str)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        self.typed(key, "`true` or `false`", Value::as_bool)
    }

    pub(crate) fn count(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>, ConfigError> {
        let read =
            |v: &Value| v.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n));
        self.typed(key, &format!("a whole number from {least} to {most}"), read)
    }

    pub(crate) fn money(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        let good = |n: &f64| n.is_finite() && (0.0..=1_000_000.0).contains(n);
        self.typed(key, "an amount of US dollars, 0 or more", |v| v.as_f64().filter(good))
    }

    /// A part of a whole: above 0 and at most 1.
    pub(crate) fn part(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        let good = |n: &f64| n.is_finite() && *n > 0.0 && *n <= 1.0;
        self.typed(key, "a number above 0 and at most 1, such as `0.9`", |v| v.as_f64().filter(good))
    }

    /// A count that may be large, such as tokens.
    pub(crate) fn big(&self, key: &str) -> Result<Option<u64>, ConfigError> {
        let read = |v: &Value| v.as_u64().filter(|n| *n <= 1 << 50);
        self.typed(key, "a whole number such as `2000000`", read)
    }

    pub(crate) fn span(&self, key: &str) -> Result<Option<Span>, ConfigError> {
        self.amount(key, "a duration such as `90s`, `10m`, `6h` or `2d`")
    }

    pub(crate) fn size(&self, key: &str) -> Result<Option<Size>, ConfigError> {
        self.amount(key, "a size such as `512m` or `4g`")
    }

    fn amount<T: std::str::FromStr<Err = BadAmount>>(
        &self,
        key: &str,
        expected: &str,
    ) -> Result<Option<T>, ConfigError> {
        self.typed(key, expected, |v| v.as_str().and_then(|text| text.parse().ok()))
    }

    pub(crate) fn table(&self, key: &str) -> Result<Option<Table<'a>>, ConfigError> {
        let map = self.typed(key, "keys and values", Value::as_mapping)?;
        Ok(map.map(|map| self.below(map, vec![Step::Key(key.to_owned())])))
    }

    pub(crate) fn tables(&self, key: &str, most: usize) -> Result<Option<Vec<Table<'a>>>, ConfigError> {
        let Some(list) = self.list(key, most)? else { return Ok(None) };
        let mut tables = Vec::new();
        for (at, value) in list.iter().enumerate() {
            let map = value.as_mapping();
            let map =
                map.ok_or_else(|| self.bad(&format!("{key}[{at}]"), "keys and values", &shown(value)))?;
            tables.push(self.below(map, vec![Step::Key(key.to_owned()), Step::Item(at)]));
        }
        Ok(Some(tables))
    }

    pub(crate) fn texts(&self, key: &str, most: usize) -> Result<Option<Vec<&'a str>>, ConfigError> {
        let Some(list) = self.list(key, most)? else { return Ok(None) };
        let read =
            |value: &'a Value| value.as_str().ok_or_else(|| self.bad(key, "a list of texts", &shown(value)));
        list.iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    fn list(&self, key: &str, most: usize) -> Result<Option<&'a Vec<Value>>, ConfigError> {
        let list = self.typed(key, "a list", Value::as_sequence)?;
        match list {
            Some(list) if list.len() > most => {
                Err(self.bad(key, &format!("at most {most} entries"), &list.len().to_string()))
            }
            list => Ok(list),
        }
    }

    fn below(&self, map: &'a Mapping, steps: Vec<Step>) -> Table<'a> {
        let mut path = self.path.clone();
        path.extend(steps);
        Table { document: self.document, map, path }
    }
}

/// A value in a few words, for error messages.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) => format!("`{number}`"),
        Value::String(text) => format!("`{}`", crate::domain::text::one_line(text, 60)),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "keys and values".to_owned(),
        Value::Tagged(tagged) => {
            format!("the tag `{}`", crate::domain::text::one_line(&tagged.tag.to_string(), 40))
        }
    }
}

/// The known word that somebody may have meant, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = known.iter().map(|k| (strsim::damerau_levenshtein(k, &word), *k)).min();
    near.filter(|(distance, _)| *distance <= 1 + word.len() / 4).map(|(_, k)| k)
}

#[cfg(test)]
mod tests;
