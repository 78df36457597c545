use super::*;

fn ended(code: i64, out_of_memory: bool, killed: Option<Signal>, ran: u64) -> ExitClass {
    let limit = Duration::from_secs(60);
    Ended { exit: Exit { code, out_of_memory }, killed, ran: Duration::from_secs(ran), limit }.class()
}

#[test]
fn t48_every_kind_of_end_has_its_class() {
    let table = [
        ("nothing happened", ended(0, false, None, 5), ExitClass::Clean),
        ("a child died of memory, the parent said 0", ended(0, true, None, 5), ExitClass::OutOfMemory),
        ("the first process died of memory", ended(137, true, None, 5), ExitClass::OutOfMemory),
        ("we killed it", ended(137, false, Some(Signal::Kill), 5), ExitClass::KilledByUs),
        ("we asked, and its trap said 0", ended(0, false, Some(Signal::Term), 5), ExitClass::KilledByUs),
        ("killed from inside", ended(137, false, None, 5), ExitClass::Signal(9)),
        ("its own code", ended(3, false, None, 5), ExitClass::Code(3)),
        ("the limit's TERM sufficed", ended(124, false, None, 60), ExitClass::TimeLimit),
        ("the limit had to kill", ended(137, false, None, 75), ExitClass::TimeLimit),
        ("124 long before the limit is its own", ended(124, false, None, 5), ExitClass::Code(124)),
        ("memory and our kill together", ended(137, true, Some(Signal::Kill), 5), ExitClass::OutOfMemory),
    ];
    for (case, found, expected) in table {
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn f12_a_code_the_engine_made_up_is_unknown() {
    assert_eq!(ended(255, false, None, 5), ExitClass::Unknown(255));
    assert_eq!(ended(-1, false, None, 5), ExitClass::Unknown(-1));
}
