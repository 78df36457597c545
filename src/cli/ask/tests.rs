use super::*;

#[test]
fn enter_means_what_the_capital_letter_says_and_a_closed_input_means_no() {
    for (answer, yes_first, no_first) in [
        ("y\n", true, true),
        ("YES \n", true, true),
        ("n\n", false, false),
        ("\n", true, false),
        ("", false, false),
        ("yep\n", false, false),
    ] {
        assert_eq!(said(answer, Enter::Yes), yes_first, "{answer:?}");
        assert_eq!(said(answer, Enter::No), no_first, "{answer:?}");
    }
}
