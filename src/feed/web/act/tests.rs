use super::*;

#[test]
fn t15_a_title_is_text_and_nothing_acts_by_itself() {
    let page = page(&Question {
        press: Some("Approve"),
        bead: "<img src=x onerror=alert(1)>".into(),
        title: "</p><script>alert(1)</script>".into(),
        words: "It goes on.",
    });
    assert!(!page.contains("<img") && !page.contains("<script>alert"), "{page}");
    assert!(page.contains("&#60;script&#62;") && page.contains(">Approve</button>"), "{page}");
    assert!(!page.contains("onclick") && !page.contains("http-equiv"), "{page}");
}

#[test]
fn without_anything_to_do_there_is_no_button() {
    let page = page(&Question { words: "This link was used.", ..Question::default() });
    assert!(!page.contains("<form") && page.contains("This link was used."), "{page}");
}
