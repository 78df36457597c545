//! Text in which no program finds a link.
//!
//! Owns what happens to addresses in untrusted text: they are taken out, because phones and mail programs make
//! links of anything that looks like one (T39). File names and versions stay. Start with [`defang`].

/// What stands where an address stood.
const GONE: &str = "[link]";

/// Endings of names that a phone takes for a host even without a scheme or a path.
const ENDINGS: &[&str] = &[
    "com", "net", "org", "io", "dev", "app", "co", "info", "biz", "xyz", "ru", "cn", "link", "click", "top",
    "site", "online", "shop", "ly", "gg", "tk", "me", "de", "uk", "fr", "eu", "us", "ai", "gl", "page",
    "live",
];

/// The same text with every address replaced.
pub fn defang(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if is_address(word) { out.push_str(GONE) } else { out.push_str(word) }
    }
    out
}

fn is_address(word: &str) -> bool {
    // Other dots and slashes that browsers read as these.
    let plain: String = word
        .chars()
        .map(|c| match c {
            '\u{3002}' | '\u{FF0E}' | '\u{FF61}' => '.',
            '\u{FF0F}' | '\u{2044}' | '\u{2215}' => '/',
            '\u{FF1A}' => ':',
            c => c,
        })
        .flat_map(char::to_lowercase)
        .collect();
    let schemes = ["mailto:", "tel:", "sms:", "javascript:", "data:", "intent:", "www.", "://", "\\\\"];
    if schemes.iter().any(|scheme| plain.contains(scheme)) {
        return true;
    }
    // Brackets and quotes around an address, and more than one in a word.
    plain.split(|c: char| !(c.is_alphanumeric() || "-._~/:@%".contains(c))).any(|part| {
        let host = part.split(['/', ':']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default().trim_matches('.');
        let Some((before, ending)) = host.rsplit_once('.') else { return false };
        let letters = !ending.is_empty() && ending.chars().all(char::is_alphabetic);
        let path = part.contains('/') && letters && ending.chars().count() >= 2;
        let mailbox = part.contains('@') && letters;
        !before.is_empty() && (ENDINGS.contains(&ending) || path || mailbox)
    })
}
