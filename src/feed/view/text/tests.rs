use proptest::prelude::*;

use super::*;

fn links(text: &str) -> Vec<String> {
    pieces(text).into_iter().filter(|p| p.link).map(|p| p.text).collect()
}

#[test]
fn addresses_become_links_as_they_stand() {
    assert_eq!(
        links("see https://a.example/x?y=1#z. And (http://b.example)"),
        ["https://a.example/x?y=1#z", "http://b.example"]
    );
    assert_eq!(pieces("a https://b.example/ c").len(), 3);
}

#[test]
fn t15_nothing_else_becomes_one() {
    for text in [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "JaVaScRiPt:alert(1)//http",
        "//evil.example/x",
        "https://good.example@evil.example/",
        "https://@evil.example",
        "xhttps://a.example/",
        "https://",
        "http:///x",
        "ftp://a.example/x",
    ] {
        assert_eq!(links(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(links("https://a.example/\"onmouseover=x"), ["https://a.example/"]);
    assert_eq!(links("[x](https://a.example/<b>)"), ["https://a.example/"]);
}

#[test]
fn control_characters_and_overlong_texts_do_not_pass() {
    assert_eq!(pieces("a\u{202e}b\u{7}")[0].text, "ab");
    assert_eq!(links(&format!("https://a.example/{}", "x".repeat(LONGEST_LINK))), Vec::<String>::new());
    let long = pieces(&"ä".repeat(LONGEST));
    assert_eq!(long.len(), 2);
    assert!(long[0].text.len() <= LONGEST);
}

proptest! {
    #[test]
    fn nothing_is_lost(text in "[ -~\n]{0,400}") {
        let all: String = pieces(&text).into_iter().map(|p| p.text).collect();
        prop_assert_eq!(all, text);
    }

    #[test]
    fn links_have_a_scheme_we_know(text in ".{0,300}") {
        for link in links(&text) {
            prop_assert!(link.starts_with("http://") || link.starts_with("https://"));
        }
    }
}
