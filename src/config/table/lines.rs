//! Finds the line of a key in the text of a YAML file, which the parser does not tell.
//!
//! Owns a scan that is right for the files people write and near enough for all others. It decides nothing but
//! the number in an error message. Start with [`line_of`].

/// One step of the way from the root of a document to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Item(usize),
}

/// The line on which the last key of the path stands, or the nearest key around it that can be found, by
/// scanning; 0 where nothing is found.
pub(crate) fn line_of(text: &str, path: &[Step]) -> usize {
    let mut at = None;
    let mut indent = 0;
    for step in path {
        let from = at.unwrap_or(0);
        let found = match step {
            Step::Key(key) if at.is_none() => find_top_key(text, key).or_else(|| find_key(text, 0, key, 0)),
            Step::Key(key) => find_key(text, from, key, indent),
            Step::Item(item) => find_item(text, from, *item),
        };
        let Some(found) = found else { break };
        // Within a block, deeper keys are indented deeper: what stands further left belongs to others.
        indent = match step {
            Step::Key(_) => text[..found].rfind('\n').map_or(found, |line| found - line - 1) + 1,
            Step::Item(_) => 0,
        };
        at = Some(found);
    }
    at.map_or(0, |at| 1 + text[..at].matches('\n').count())
}

fn is_key(text: &str, at: usize, key: &str) -> bool {
    text[at + key.len()..].trim_start_matches(['"', '\'']).trim_start_matches(' ').starts_with(':')
}

/// The byte where `key:` begins at the beginning of a line.
fn find_top_key(text: &str, key: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start_matches(['"', '\'']).len();
        if !key.is_empty() && line[lead..].starts_with(key) && is_key(text, start + lead, key) {
            return Some(start + lead);
        }
        start += line.len();
    }
    None
}

/// The byte where `key:` begins, at or behind `from`, not further left than `indent` on lines of its own.
fn find_key(text: &str, from: usize, key: &str, indent: usize) -> Option<usize> {
    if key.is_empty() {
        return None;
    }
    let end_of_line = text[from..].find('\n').map_or(text.len(), |i| from + i);
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text[from..].match_indices(key).map(|(at, _)| from + at).find(|at| {
        let line = text[..*at].rfind('\n').map_or(0, |i| i + 1);
        let lead = &text[line..*at];
        let free = !lead.ends_with(joins) && is_key(text, *at, key);
        let comment = lead.trim_start().starts_with('#') || lead.contains(" #");
        let own_line = lead.trim_matches([' ', '"', '\'']).is_empty();
        free && !comment && (*at < end_of_line || !own_line || lead.len() >= indent)
    })
}

/// The byte where the item `at` of the list behind `from` begins.
fn find_item(text: &str, from: usize, at: usize) -> Option<usize> {
    let mut indent = None;
    let mut seen = 0;
    let mut start = from + text[from..].find('\n')? + 1;
    for line in text[start..].split_inclusive('\n') {
        let lead = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("- ") && *indent.get_or_insert(lead) == lead {
            if seen == at {
                return Some(start + lead + 2);
            }
            seen += 1;
        }
        start += line.len();
    }
    None
}
