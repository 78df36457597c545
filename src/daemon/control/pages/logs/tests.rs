use super::*;

fn texts(chunk: &Chunk) -> Vec<String> {
    chunk.lines.iter().map(|line| line.text.clone()).collect()
}

#[test]
fn reading_on_misses_and_doubles_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    std::fs::write(&path, "- one\n- two\n- thr").unwrap();
    let first = newest(&path, false).unwrap();
    assert_eq!((texts(&first), first.from), (vec!["one".into(), "two".into()], 0));
    std::fs::write(&path, "- one\n- two\n- three\n- four\n").unwrap();
    let second = from_on(&path, first.next, false).unwrap();
    assert_eq!(texts(&second), ["three", "four"]);
    assert!(texts(&from_on(&path, second.next, false).unwrap()).is_empty());
    std::fs::write(&path, "- new\n").unwrap();
    let again = from_on(&path, second.next, false).unwrap();
    assert_eq!((texts(&again), again.anew), (vec!["new".to_owned()], true));
}

#[test]
fn a_long_log_is_read_from_its_end_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    let all: Vec<String> = (0..40_000).map(|n| format!("line {n}")).collect();
    std::fs::write(&path, all.iter().map(|l| format!("- {l}\n")).collect::<String>()).unwrap();
    let mut chunk = newest(&path, true).unwrap();
    let mut seen = texts(&chunk);
    assert_eq!(seen.last(), all.last());
    while chunk.from > 0 {
        chunk = earlier(&path, chunk.from).unwrap();
        seen = [texts(&chunk), seen].concat();
    }
    assert_eq!(seen, all);
}
