use proptest::prelude::*;

use super::*;

#[test]
fn t51_plain_ids_keep_their_spelling_and_others_become_a_hash() {
    assert_eq!(BeadId::new("orc-k3v.2").slug(), "orc-k3v.2");
    for odd in ["", "..", "a/b", "-x", "a..b", "a.lock", "a.", "x-1", "a b", "é", "a\nb"] {
        let slug = BeadId::new(odd).slug();
        assert!(slug.starts_with("x-") && slug.len() == 34, "{odd:?} became {slug}");
    }
}

proptest! {
    #[test]
    fn t51_any_slug_is_safe_as_path_part_and_ref_part(id in ".*") {
        let slug = BeadId::new(id).slug();
        prop_assert!(!slug.is_empty() && slug.len() <= 100);
        prop_assert!(slug.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
        prop_assert!(!slug.contains("..") && !slug.ends_with(".lock") && !slug.starts_with(['-', '.']));
    }

    #[test]
    fn run_ids_read_back_and_nothing_else_does(bytes in any::<[u8; 16]>(), other in ".{0,20}") {
        let id = RunId::from_bytes(bytes);
        prop_assert_eq!(RunId::parse(id.as_str()), Some(id.clone()));
        if RunId::parse(&other).is_some() {
            prop_assert!(other.len() == 15 && other.starts_with('r'));
        }
    }

    #[test]
    fn t52_an_object_id_never_looks_like_an_option(text in ".{0,50}") {
        if let Ok(oid) = Oid::parse(&text) {
            prop_assert!(oid.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
        }
    }
}
