use super::*;
use crate::feed::view::text::pieces;

/// What a template may not have: text that is not escaped, or a script or style in the page (T15).
#[test]
fn t15_templates_escape_everything() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display();
        // Plots are drawn from figures; `feed::brief` keeps their words escaped and has its own tests of that.
        let text = text.replace("{{ plot.svg|safe }}", "");
        seen += 1;
        for word in ["|safe", "| safe", "autoescape", "<style", " style=", "javascript:", "onclick", "onload"]
        {
            assert!(!text.contains(word), "{name}: `{word}`");
        }
        for script in text.split("<script").skip(1) {
            // Pages that stand alone name theirs in the program.
            let own =
                [" type=\"module\" src=\"/assets/", " type=\"module\" src=\"{{ alone.script }}\"></script>"];
            assert!(own.iter().any(|own| script.starts_with(own)), "{name}: an inline script");
        }
    }
    assert!(seen > 5);
}

/// Whether a template escapes is decided by its file's ending, unless somebody says otherwise (T15).
#[test]
fn t15_every_template_is_taken_for_html() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.extension().unwrap(), "html", "{}", path.display());
    }
    let mut seen = 0;
    for source in [include_str!("../pages.rs"), include_str!("../act.rs")] {
        for said in source.split("#[template(").skip(1) {
            seen += 1;
            let said = said.split(")]").next().unwrap();
            assert!(said.starts_with("path = ") && !said.contains(','), "{said}");
        }
    }
    assert!(seen > 6);
}

#[test]
fn t15_hostile_words_stay_words() {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let lines = [evil.to_owned()];
    let shell = Shell { stream: Some(evil.to_owned()), ..Shell::bare("plain", evil) };
    let page =
        html(&PlainHtml { shell, heading: evil, lines: &lines, action: None, back: Some((evil, evil)) });
    assert!(!page.contains("<img") && !page.contains("<script>"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert_eq!(pieces(evil).len(), 1);
}
