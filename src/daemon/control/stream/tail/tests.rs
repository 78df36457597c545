use super::*;
use crate::agent::Dialect as _;
use crate::agent::claude::Claude;
use crate::daemon::control::tests::world::line;

fn tail(text: &str) -> (tempfile::TempDir, Tail) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.jsonl");
    std::fs::write(&path, text).unwrap();
    let run = RunId::from_bytes([7; 16]);
    (dir, Tail::new(run, Some(path), Claude.reader()))
}

fn texts(tail: &mut Tail, until: Until) -> Vec<(Lines, String)> {
    let mut all = Vec::new();
    while tail
        .piece(until, &mut |lines, event| {
            if let AgentEvent::Text { text, .. } = event {
                all.push((lines, text.clone()));
            }
        })
        .unwrap()
    {}
    all
}

#[test]
fn a_line_with_several_events_is_whole_behind_the_last() {
    let (_dir, mut tail) = tail(&format!("{}\n{}\n{{\"half", line(&["a", "b"]), line(&["c"])));
    let all = texts(&mut tail, Until::default());
    assert_eq!(all.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(all[0].0.whole, 0);
    assert_eq!(tail.lines, Lines { whole: 2, part: 0 }, "the half line is not told");
}

#[test]
fn reading_stops_at_a_line_or_a_byte_and_goes_on_there() {
    let long = "x".repeat(100_000);
    let lines: Vec<String> = (0..20).map(|n| line(&[&format!("{n} {long}")])).collect();
    let text = lines.join("\n") + "\n";
    let (_dir, mut tail) = tail(&text);
    let until = |byte, line| Until { byte, line };
    assert_eq!(texts(&mut tail, until(None, Some(3))).len(), 3);
    let byte = lines[..7].iter().map(|l| l.len() as u64 + 1).sum();
    assert_eq!(texts(&mut tail, until(Some(byte), None)).len(), 4);
    assert_eq!(texts(&mut tail, until(Some(byte), None)).len(), 0);
    assert_eq!(texts(&mut tail, Until::default()).len(), 13);
    assert_eq!(tail.lines.whole, 20);
}

#[test]
fn a_log_that_is_not_there_yet_is_empty() {
    let mut tail =
        Tail::new(RunId::from_bytes([7; 16]), Some("/nonexistent/x.jsonl".into()), Claude.reader());
    assert!(!tail.piece(Until::default(), &mut |_, _| {}).unwrap());
}
