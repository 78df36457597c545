use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::clock::Seeded;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

#[test]
fn t56_a_code_is_redeemed_once_and_in_time() {
    let (ids, mut codes) = (Seeded::new(1), Codes::default());
    let code = codes.issue(&ids, at(0));
    assert!(!codes.redeem("", at(0)) && !codes.redeem(&code[1..], at(0)));
    assert!(codes.redeem(&code, at(9)) && !codes.redeem(&code, at(9)), "once");
    let late = codes.issue(&ids, at(0));
    assert!(!codes.redeem(&late, at(10)), "too late");
    let all: Vec<String> = (0..CODES + 1).map(|_| codes.issue(&ids, at(20))).collect();
    assert!(!codes.redeem(&all[0], at(20)) && codes.redeem(&all[1], at(20)), "the oldest goes");
    codes.forget_all();
    assert!(!codes.redeem(&all[2], at(20)));
}

#[test]
fn t60_a_token_has_256_bits_and_lies_in_a_file_of_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let (ids, uid) = (Seeded::new(2), rustix::process::getuid().as_raw());
    let token = read_or_make(&path, uid, &ids).unwrap();
    assert_eq!(token.len(), 64);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read_or_make(&path, uid, &ids).unwrap(), token, "it stays");
    let known = Token::open(&path, uid, &ids).unwrap();
    assert!(known.is(&token) && !known.is("") && !known.is(&token[..63]) && !known.is(&token.to_uppercase()));
    let fresh = Token::rotate(&path, &ids).unwrap();
    assert!(!fresh.is(&token) && fresh.is(&read_or_make(&path, uid, &ids).unwrap()));
    assert!(matches!(read_or_make(&path, uid + 1, &ids), Err(TokenError::Foreign { .. })));
    fs::write(&path, "short\n").unwrap();
    assert!(matches!(read_or_make(&path, uid, &ids), Err(TokenError::Odd { .. })));
}
