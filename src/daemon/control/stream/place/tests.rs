use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn what_is_written_is_read(seq: u64, lines in proptest::option::of((any::<u64>(), any::<u32>()))) {
        let place = Place { seq, lines: lines.map(|(whole, part)| Lines { whole, part }) };
        prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9.x-]{0,30}") {
        if let Some(place) = Place::parse(&text) {
            prop_assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
    }
}

#[test]
fn what_is_no_place_is_refused() {
    for text in ["", ".", "1.", "1.2.", "1.2.3.4", "-1", "1.-2", "1 ", "x", "99999999999999999999"] {
        assert_eq!(Place::parse(text), None, "{text}");
    }
}
