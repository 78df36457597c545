use proptest::prelude::*;

use super::*;

fn kinds(text: &str) -> Vec<(Kind, String)> {
    read(text.as_bytes(), 0, true).lines.into_iter().map(|l| (l.kind, l.text)).collect()
}

#[test]
fn marks_become_kinds() {
    let page = "- session s, model m, version v\n» I look.\n  - at this\n  > and that\n$ ls\n  ok: a (+1 lines)\n\
                > Edit a.py\n    - old\n    + new\n  failed: no\n! request failed\n< our message was read\n= turn ended\n";
    let expected = [
        (Kind::Note, "session s, model m, version v"),
        (Kind::Says, "I look."),
        (Kind::Says, "- at this"),
        (Kind::Says, "> and that"),
        (Kind::Command, "ls"),
        (Kind::Ok, "a (+1 lines)"),
        (Kind::Tool, "Edit a.py"),
        (Kind::Removed, "old"),
        (Kind::Added, "new"),
        (Kind::Failed, "no"),
        (Kind::Trouble, "request failed"),
        (Kind::Ours, "our message was read"),
        (Kind::End, "turn ended"),
    ];
    assert_eq!(kinds(page), expected.map(|(kind, text)| (kind, text.to_owned())));
}

#[test]
fn an_unfinished_line_waits() {
    let first = read(b"$ ls\n> Re", 10, false);
    assert_eq!((first.lines.len(), first.next), (1, 15));
    assert_eq!(read(b"> Re", 15, false).next, 15);
    assert_eq!(read(b"> Re", 15, true).next, 19);
    let long = vec![b'x'; CHUNK];
    assert_eq!(read(&long, 0, false).next, CHUNK as u64, "one endless line does not stop the page");
}

#[test]
fn last_words_are_the_agents() {
    let log = "» I look.\n$ cargo test\n  ok: fine\n= turn ended\n".as_bytes();
    assert_eq!(last_words(log).as_deref(), Some("$ cargo test"));
    assert_eq!(last_words(b""), None);
}

proptest! {
    #[test]
    fn pieces_give_the_same_lines_as_the_whole(log in "([»$>!=<~ ]{0,3}[a-z]{0,6}\n){0,12}", cut in 0usize..80) {
        let bytes = log.as_bytes();
        let cut = cut.min(bytes.len());
        let first = read(&bytes[..cut], 0, false);
        let rest = read(&bytes[usize::try_from(first.next).unwrap()..], first.next, true);
        prop_assert_eq!(rest.next, bytes.len() as u64);
        let texts = |chunk: &Chunk| chunk.lines.len();
        prop_assert_eq!(texts(&first) + texts(&rest), log.lines().count());
    }

    #[test]
    fn any_bytes_are_lines(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for line in read(&bytes, 0, true).lines {
            prop_assert!(!line.text.contains(|c: char| c.is_control() && c != '\t'));
        }
    }
}
