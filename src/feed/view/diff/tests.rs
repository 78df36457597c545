use super::*;

fn file(path: &str, lines: usize) -> File {
    let line = Line { sign: Sign::Added, text: "x\u{1b}[31m\u{202e}y\r".to_owned() };
    File { path: path.to_owned(), added: 1, removed: 2, note: "", lines: vec![line; lines] }
}

#[test]
fn a_page_is_bounded_and_says_so() {
    let all = Change::of((0..80).map(|n| file(&format!("f{n}"), 100)).collect(), 80);
    assert_eq!(all.files.len(), MOST_FILES);
    assert_eq!(all.files.iter().map(|f| f.lines.len()).sum::<usize>(), MOST_LINES);
    assert_eq!(all.summary, "80 files, 80 added, 160 removed");
    assert_eq!(all.cut.as_deref(), Some("60 of 80 files are shown"));
    let few = Change::of(vec![file("a\u{1b}]0;t\u{7}b", 1)], 1);
    assert_eq!((few.files[0].path.as_str(), few.files[0].lines[0].text.as_str()), ("ab", "xy "));
    assert_eq!((few.summary.as_str(), few.cut), ("1 file, 1 added, 2 removed", None));
}

#[test]
fn a_line_without_end_is_cut() {
    let mut long = file("a", 1);
    long.lines[0].text = "x".repeat(1 << 20);
    assert_eq!(Change::of(vec![long], 1).files[0].lines[0].text.len(), MOST_COLUMNS);
}
