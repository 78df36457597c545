use base64::Engine as _;
use proptest::prelude::*;

use super::*;

const CANARY: &str = "canary-9f8e7d6c5b4a39281706_ZyXwVu";

const ODD: &str = "pass \"wo\\rd\"/é?&=";

fn redactor() -> Redactor {
    static BUILT: std::sync::OnceLock<Redactor> = std::sync::OnceLock::new();
    BUILT
        .get_or_init(|| {
            Redactor::new([CANARY, ODD, "abcabcabcab", "name=1234567", "00e9e9e9e9", "slash-at-end\\"])
        })
        .fresh()
}

fn whole(text: &[u8]) -> Vec<u8> {
    chunks(&[text])
}

fn chunks(parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = redactor();
    let mut out = Vec::new();
    for part in parts {
        stream.push(part, &mut out);
    }
    stream.finish(&mut out);
    out
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every way in which the secrets may stand in a stream.
fn disguises() -> Vec<Vec<u8>> {
    let forms = [
        CANARY,
        ODD,
        "pass%20%22wo%5Crd%22%2F%C3%A9%3F%26%3D",
        "pass%20%22wo%5crd%22%2f%c3%a9%3f%26%3d",
        "pass+%22wo%5Crd%22%2F%C3%A9%3F%26%3D",
        r#"pass \"wo\\rd\"/é?&="#,
        r#"pass \"wo\\rd\"/\u00e9?&="#,
    ];
    let mut out: Vec<Vec<u8>> = forms.iter().map(|form| form.as_bytes().to_vec()).collect();
    for before in ["", "x", "xy"] {
        let clear = format!("{before}{CANARY}:after");
        out.push(base64::engine::general_purpose::STANDARD.encode(&clear).into());
        out.push(base64::engine::general_purpose::URL_SAFE.encode(format!("{before}{ODD}")).into());
    }
    out
}

#[test]
fn t37_the_canary_is_masked_however_it_is_spelled() {
    for given in &disguises()[..7] {
        assert_eq!(shown(&whole(given)), "*".repeat(given.len()), "{}", shown(given));
    }
    let line = format!("key={CANARY}, more\n");
    assert_eq!(shown(&whole(line.as_bytes())), format!("key={}, more\n", "*".repeat(CANARY.len())));
}

/// Base64 of the canary with any neighbours: what is left tells no 4 bytes of it.
#[test]
fn t37_base64_leaves_nothing_to_decode() {
    for engine in
        [base64::engine::general_purpose::STANDARD_NO_PAD, base64::engine::general_purpose::URL_SAFE_NO_PAD]
    {
        for before in 0..6 {
            let clear = format!("{}{CANARY}tail", "b".repeat(before));
            let masked = shown(&whole(engine.encode(&clear).as_bytes())).replace('*', "A");
            let back = shown(&engine.decode(masked).unwrap());
            let left = CANARY.as_bytes().windows(4).any(|part| back.contains(&shown(part)));
            assert!(!left && back.ends_with("ail"), "{back}");
        }
    }
}

#[test]
fn t37_split_at_every_byte_and_taken_up_again_at_every_length() {
    for given in disguises() {
        let text = [b"{\"a\":\"x ", given.as_slice(), b" y\"}\nnext line\n"].concat();
        let expected = whole(&text);
        for cut in 0..=text.len() {
            assert_eq!(shown(&chunks(&[&text[..cut], &text[cut..]])), shown(&expected), "cut at {cut}");
            // What was stored when the first part had come is where a new process goes on.
            let mut stored = Vec::new();
            redactor().push(&text[..cut], &mut stored);
            let rest = whole(&text[stored.len()..]);
            assert_eq!(shown(&[stored, rest].concat()), shown(&expected), "taken up after {cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(shown(&chunks(&bytes)), shown(&expected));
    }
}

#[test]
fn t37_across_escape_sequences_and_line_breaks() {
    let cuts = [
        "\u{1b}[31m",
        "\u{1b}[0;1;38;5;196m",
        "\\u001b[31m",
        "\\u001B[0m",
        "\\\\u001b[1m",
        "\u{9b}31m",
        "\\u009b31m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\",
        "\\u001b]0;title\\u0007",
        "\\u001b]0;t\\u001b\\\\",
        "\u{1b}(B",
        "\u{1b}7",
        "\n",
        "\r\n",
        "\\n",
        "\\r\\n",
        "\\\\n",
    ];
    for cut in cuts {
        for at in 1..CANARY.len() {
            let text = format!("{{\"a\":\"{}{cut}{}\"}}\n", &CANARY[..at], &CANARY[at..]);
            let masked = shown(&whole(text.as_bytes()));
            let stars = masked.matches('*').count();
            assert!(masked.len() == text.len() && stars >= CANARY.len(), "{cut:?} at {at}: {masked}");
            for split in (0..text.len()).skip(at % 7).step_by(7) {
                let (before, after) = text.as_bytes().split_at(split);
                assert_eq!(shown(&chunks(&[before, after])), masked, "{cut:?} at {at}, split at {split}");
            }
        }
        let everywhere: String = CANARY.chars().map(|c| format!("{c}{cut}")).collect();
        let masked = shown(&whole(everywhere.as_bytes()));
        let expected: String = CANARY.chars().map(|_| format!("*{cut}")).collect();
        // A bare backslash at the end of a cut may go with the byte behind it, as in a JSON escape.
        assert!(masked == expected || masked == expected.replace("\\*", "**"), "{masked}");
    }
}

#[test]
fn t37_wrapped_base64_is_masked() {
    let engine = base64::engine::general_purpose::STANDARD;
    let text = engine.encode(format!("Authorization: Bearer {CANARY} and more!"));
    let rows: Vec<&str> = text.as_bytes().chunks(20).map(|row| std::str::from_utf8(row).unwrap()).collect();
    for join in ["\n", "\\n"] {
        let masked = shown(&whole(rows.join(join).as_bytes())).replace(join, "").replace('*', "A");
        let back = shown(&engine.decode(masked).unwrap());
        assert!(back.starts_with("Authorization: Bearer") && back.ends_with("and more!"), "{back}");
        assert!(!CANARY.as_bytes().windows(4).any(|part| back.contains(&shown(part))), "{back}");
    }
}

#[test]
fn t37_unmistakable_shapes_are_masked_behind_their_prefix() {
    let alnum = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6kM9n";
    for (given, expected) in [
        (format!("sk-ant-api03-{alnum}_-x rest"), format!("sk-ant-{} rest", "*".repeat(49))),
        ("AKIAIOSFODNN7EXAMPLE.".to_owned(), format!("AKIA{}.", "*".repeat(16))),
        (format!("ghp_{}", &alnum[..36]), format!("ghp_{}", "*".repeat(36))),
        (format!("github_pat_{}_x\"", &alnum[..22]), format!("github_pat_{}\"", "*".repeat(24))),
        ("xoxb-123456789012-abcDEF".to_owned(), format!("xoxb-{}", "*".repeat(19))),
        ("sk-ant-short ghp_short AKIA xoxb-1 AKIAlower".to_owned(), String::new()),
        ("beadwork-placeholder".to_owned(), String::new()),
    ] {
        let expected = if expected.is_empty() { given.clone() } else { expected };
        assert_eq!(shown(&whole(given.as_bytes())), expected);
        for cut in 0..given.len() {
            let (before, after) = given.as_bytes().split_at(cut);
            assert_eq!(shown(&chunks(&[before, after])), expected);
        }
    }
}

fn private_key(join: &str) -> String {
    let row = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let rows = [row, row, "tail+/=="].join(join);
    format!("-----BEGIN RSA PRIVATE KEY-----{join}{rows}{join}-----END RSA PRIVATE KEY-----")
}

#[test]
fn t37_the_body_of_a_private_key_is_masked_and_json_stays_json() {
    for join in ["\n", "\r\n", "\\n", "\\\\n"] {
        let text = format!("before {} after", private_key(join));
        let masked = shown(&whole(text.as_bytes()));
        assert!(masked.starts_with("before -----BEGIN RSA PRIVATE KEY-----"), "{masked}");
        assert!(masked.ends_with("-----END RSA PRIVATE KEY----- after"), "{masked}");
        assert!(!masked.contains("MIIE") && !masked.contains("tail"), "{masked}");
        assert_eq!((masked.len(), masked.matches(join).count()), (text.len(), text.matches(join).count()));
        for cut in (0..text.len()).step_by(7) {
            let (before, after) = text.as_bytes().split_at(cut);
            assert_eq!(shown(&chunks(&[before, after])), masked);
        }
    }
    let line = serde_json::to_string(&serde_json::json!({ "key": private_key("\n") })).unwrap();
    serde_json::from_slice::<serde_json::Value>(&whole(line.as_bytes())).unwrap();
    let prose = "a file that begins with -----BEGIN PRIVATE KEY----- is not to be committed, ever";
    assert_eq!(shown(&whole(prose.as_bytes())), prose);
    let public =
        "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
    assert_eq!(shown(&whole(public.as_bytes())), public);
}

#[test]
fn a_result_line_is_never_held_back() {
    let mut stream = redactor();
    for line in [
        "{\"type\":\"result\",\"result\":\"c\"}\n",
        "{\"a\":\"\\u001b[31mred\"}\n",
        "{\"a\":\"-----BEGIN PRIVATE KEY-----\\n\"}\r\n",
    ] {
        let mut out = Vec::new();
        stream.push(line.as_bytes(), &mut out);
        assert_eq!(shown(&out), line);
    }
}

#[test]
fn a_secret_at_its_end_is_not_held_back() {
    for text in [format!("key {CANARY}"), format!("key {CANARY}\n")] {
        let mut out = Vec::new();
        Redactor::new([CANARY]).push(text.as_bytes(), &mut out);
        assert_eq!(out.len(), text.len());
    }
}

#[test]
fn what_is_held_is_bounded() {
    let mut stream = redactor();
    let mut out = Vec::new();
    let key = format!("-----BEGIN PRIVATE KEY-----{}", "A\n".repeat(200_000));
    for part in key.as_bytes().chunks(1000) {
        stream.push(part, &mut out);
        assert!(stream.held.len() <= MOST_HELD + 1000);
    }
    for part in "abc".repeat(100_000).as_bytes().chunks(1000) {
        stream.push(part, &mut out);
        assert!(stream.held.len() <= MOST_HELD + 1000);
    }
    stream.finish(&mut out);
    assert_eq!(out.len(), key.len() + 300_000);
}

#[test]
fn overlapping_matches_are_masked_to_their_last_byte() {
    assert_eq!(shown(&whole(b"abcabcabcabcab.")), "**************.");
    assert_eq!(shown(&chunks(&[b"abcabcabcab", b"cab."])), "**************.");
    assert_eq!(shown(&chunks(&[b"abcabcabcab", b"x"])), "***********x");
}

#[test]
fn texts_short_secrets_and_debug() {
    assert_eq!(redactor().redact_text(&format!("a {CANARY} é")), format!("a {} é", "*".repeat(CANARY.len())));
    assert_eq!(Redactor::new([b"short"]).redact_text("short words"), "short words");
    assert_eq!(Redactor::new(["  trimmed-secret\n"]).redact_text("trimmed-secret"), "*".repeat(14));
    let debug = format!("{:?}", redactor());
    assert!(!debug.contains("canary"), "{debug}");
    assert_eq!(Redactor::new(Vec::<String>::new()).redact_text("nothing to hide"), "nothing to hide");
    let every: Vec<u8> = (0..=255).collect();
    assert_eq!(Redactor::new([&every]).redact_text("abc"), "abc");
}

/// Text made of pieces that matter.
fn eventful() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<Vec<u8>> = disguises()
        .into_iter()
        .chain(
            [
                "\u{1b}[31m",
                "\\u001b[3",
                "\\n",
                "\n",
                "\\",
                "\\\\",
                "\"",
                "can",
                "canary-9f8e7d6c5b4a39",
                "281706_ZyXwVu",
                "sk-ant-",
                "aaaaaaaaaaaaaaaaaaaa",
                "-----BEGIN ",
                "PRIVATE KEY-----",
                "abcabcabcab",
                "c",
                "ab",
                "\u{9b}1m",
                "\u{1b}]",
                "\u{7}",
                "ghp_",
                "AKIA",
                "\\u00",
                "e9",
                "{\"a\":\"",
                "\name=1234567",
                "ée9e9e9",
                "slash-at-end\"",
                "slash-at-end\n",
            ]
            .map(|piece| piece.as_bytes().to_vec()),
        )
        .collect();
    let piece = prop_oneof![
        6 => (proptest::sample::select(pieces), any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(piece, at, all)| if all { piece } else { piece[..at.index(piece.len())].to_vec() }),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn t37_any_chunking_and_any_restart_give_the_same_bytes(
        text in eventful(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let expected = whole(&text);
        prop_assert_eq!(expected.len(), text.len());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        prop_assert_eq!(shown(&chunks(&parts)), shown(&expected));
        for cut in cuts {
            let mut stored = Vec::new();
            redactor().push(&text[..cut], &mut stored);
            let rest = whole(&text[stored.len()..]);
            prop_assert_eq!(shown(&[stored, rest].concat()), shown(&expected));
        }
    }

    #[test]
    fn t37_a_line_of_json_stays_one(text in eventful(), ascii in any::<bool>()) {
        let value = serde_json::json!({ "text": String::from_utf8_lossy(&text), "n": 1 });
        let mut line = value.to_string();
        if ascii {
            line = line.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c).min(0xd7ff)) }).collect();
        }
        let masked = whole(line.as_bytes());
        let back: serde_json::Value = serde_json::from_slice(&masked).map_err(|error| {
            TestCaseError::fail(format!("{error}: {line} -> {}", shown(&masked)))
        })?;
        prop_assert!(!back["text"].as_str().unwrap().contains(CANARY));
    }
}
