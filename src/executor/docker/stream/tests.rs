use proptest::prelude::*;

use super::*;

/// What Engine 20.10's copier and `local` driver make of `output`: 16 KiB parts, the last part of a long line
/// without its newline.
fn entries(output: &[u8]) -> Vec<Bytes> {
    let mut all = Vec::new();
    for line in output.split_inclusive(|b| *b == b'\n') {
        let (text, newline) = line.strip_suffix(b"\n").map_or((line, false), |text| (text, true));
        let parts: Vec<&[u8]> = text.chunks(ENTRY).collect();
        let long = text.len() >= ENTRY;
        for (n, part) in parts.iter().enumerate() {
            let whole = n + 1 == parts.len() && newline && !long;
            let mut entry = b"2026-11-21T14:50:53.730776870Z ".to_vec();
            entry.extend_from_slice(part);
            if whole {
                entry.push(b'\n');
            }
            all.push(Bytes::from(entry));
        }
        if newline && text.len() % ENTRY == 0 {
            let tail = if text.is_empty() { "\n" } else { "" };
            all.push(Bytes::from(format!("2026-11-21T14:50:53.730776870Z {tail}")));
        }
    }
    all
}

fn read_back(entries: Vec<Bytes>, seen: u64) -> Vec<u8> {
    let (mut line, mut skip, mut out) = (Line::Fresh, seen, Vec::new());
    for entry in entries {
        if let Some(bytes) = after(put_back_newline(&mut line, split_time(entry).1), &mut skip) {
            out.extend_from_slice(&bytes);
        }
    }
    out
}

/// Lines whose lengths lie around the borders of an entry.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0usize..5, 16_380usize..16_390, 32_766usize..32_770, 40_000usize..40_003];
    prop::collection::vec(length, 0..6)
        .prop_map(|lengths| lengths.into_iter().flat_map(|n| [vec![b' '; n], vec![b'\n']].concat()).collect())
}

proptest! {
    #[test]
    fn a_log_gives_back_every_byte_after_any_place(output in output(), place in 0.0f64..=1.0) {
        let seen = (output.len() as f64 * place) as usize;
        prop_assert_eq!(read_back(entries(&output), seen as u64), &output[seen..]);
    }

    #[test]
    fn no_entry_upsets_the_reader(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10)) {
        read_back(parts.into_iter().map(Bytes::from).collect(), 7);
    }
}

#[test]
fn output_without_a_newline_at_its_end_stays_so() {
    assert_eq!(read_back(entries(b"a\nb"), 0), b"a\nb");
}
