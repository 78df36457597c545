use proptest::prelude::*;

use super::*;

#[test]
fn ids_stay_in_their_segment() {
    assert_eq!(bead("beads", "bw-1.2"), "/projects/beads/beads/bw-1.2");
    assert_eq!(bead("..", "../../x?y#z"), "/projects/%2E%2E/beads/..%2F..%2Fx%3Fy%23z");
    assert_eq!(run("ä b", "r1"), "/projects/%C3%A4%20b/runs/r1");
    assert_eq!(run_api("p", "r1", "cancel"), "/api/projects/p/runs/r1/cancel");
}

proptest! {
    #[test]
    fn nothing_leaves_a_segment(text in ".*") {
        let safe = segment(&text);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_~.%".contains(&b);
        prop_assert!(safe.bytes().all(plain));
        prop_assert!(safe != "." && safe != "..");
    }
}
