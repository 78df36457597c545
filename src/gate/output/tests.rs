use proptest::prelude::*;

use super::*;

#[test]
fn short_output_is_kept_whole() {
    let mut kept = Kept::default();
    kept.push(b"\x1b[31mone\x1b[0m\n");
    kept.push(b"two\xff\n");
    assert_eq!(kept.text(), "one\ntwo\u{fffd}\n");
}

#[test]
fn t44_a_flood_keeps_its_beginning_and_end() {
    let mut kept = Kept::default();
    kept.push(b"first\n");
    for _ in 0..5000 {
        kept.push(&[b'x'; 999]);
    }
    kept.push(b"\nlast");
    let text = kept.text();
    assert!(text.starts_with("first\n") && text.ends_with("\nlast"));
    assert_eq!(kept.total(), 6 + 5000 * 999 + 5);
    assert!(text.contains(&format!("[... {} bytes left out]", kept.left_out())));
    assert!(text.len() < HEAD_BYTES + TAIL_BYTES + 64);
}

proptest! {
    #[test]
    fn however_it_is_cut_the_same_is_kept(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..300, times in 1usize..400) {
        let all = bytes.repeat(times);
        let (a, b) = all.split_at(at.min(all.len()));
        let (mut one, mut two) = (Kept::default(), Kept::default());
        one.push(&all);
        two.push(a);
        two.push(b);
        prop_assert_eq!(&one, &two);
        let (mut lines_one, mut lines_two) = (Vec::new(), Vec::new());
        let (mut l1, mut l2) = (Lines::default(), Lines::default());
        l1.push(&all, |line| lines_one.push(line.to_owned()));
        l1.end(|line| lines_one.push(line.to_owned()));
        l2.push(a, |line| lines_two.push(line.to_owned()));
        l2.push(b, |line| lines_two.push(line.to_owned()));
        l2.end(|line| lines_two.push(line.to_owned()));
        prop_assert!(lines_one.iter().all(|line| line.len() <= 3 * LINE_BYTES));
        prop_assert_eq!(lines_one, lines_two);
    }
}
