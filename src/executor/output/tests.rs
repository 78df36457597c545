use proptest::prelude::*;

use super::*;

#[test]
fn t44_a_flood_is_reported_with_its_bytes() {
    let mut meter = Meter::new(1000);
    meter.add(&Chunk::Stdout(Bytes::from(vec![b'x'; 600]))).unwrap();
    let flood = meter.add(&Chunk::Stderr(Bytes::from(vec![b'x'; 401]))).unwrap_err();
    assert_eq!(flood, Flood { bytes: 1001, cap: 1000 });
    assert_eq!(meter.seen(), Seen { stdout: 600, stderr: 401 });
}

#[test]
fn t44_empty_lines_weigh_what_the_engine_stores_for_them() {
    let mut meter = Meter::new(1000);
    meter.add(&Chunk::Stdout(Bytes::from(vec![b'\n'; 30]))).unwrap();
    assert!(meter.add(&Chunk::Stdout(Bytes::from_static(b"\n"))).is_err());
}

#[test]
fn what_was_dropped_is_said() {
    let mut keeper = HeadTail::new(3, 3);
    keeper.push(b"abcdefgh");
    assert_eq!(keeper.finish().text(), "abc\n[... 2 bytes dropped ...]\nfgh");
}

proptest! {
    #[test]
    fn head_and_tail_are_those_of_the_whole(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        head in 0usize..30,
        tail in 0usize..30,
    ) {
        let whole = chunks.concat();
        let mut keeper = HeadTail::new(head, tail);
        chunks.iter().for_each(|chunk| keeper.push(chunk));
        let kept = keeper.finish();
        let head_len = head.min(whole.len());
        let tail_len = tail.min(whole.len() - head_len);
        prop_assert_eq!(&kept.head, &whole[..head_len]);
        prop_assert_eq!(&kept.tail, &whole[whole.len() - tail_len..]);
        prop_assert_eq!(kept.dropped as usize, whole.len() - head_len - tail_len);
    }
}
