use std::os::unix::ffi::OsStringExt;

use super::*;

fn read(vars: &[(&str, &str)]) -> Environment {
    let vars: Vec<(String, OsString)> =
        vars.iter().map(|(k, v)| ((*k).to_owned(), OsString::from(v))).collect();
    Environment::from_lookup(|name| vars.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
}

#[test]
fn empty_is_unset_and_numbers_are_checked() {
    let env = read(&[("NO_COLOR", ""), ("CLICOLOR_FORCE", "0"), ("COLUMNS", "0"), ("BEAD_STATE_DIR", "")]);
    assert_eq!(env, Environment::default());
    let env = read(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("COLUMNS", "120"), ("HOME", "/h")]);
    assert!(env.no_color && env.force_color);
    assert_eq!((env.columns, env.home), (Some(120), Some(PathBuf::from("/h"))));
}

#[test]
fn secrets_never_print() {
    let env = read(&[("ANTHROPIC_API_KEY", " sk-CANARY\n"), ("CLAUDE_CODE_OAUTH_TOKEN", "oat-CANARY")]);
    assert_eq!(env.api_key.as_ref().unwrap().expose(), "sk-CANARY");
    assert!(!format!("{env:?} {env:#?}").contains("CANARY"));
}

#[test]
fn bytes_that_are_no_text_count_as_unset() {
    let env = Environment::from_lookup(|_| Some(OsString::from_vec(vec![0xff, 0xfe])));
    assert_eq!((env.api_key, env.base_url, env.columns), (None, None, None));
    assert!(env.home.is_some(), "a path may be any bytes");
}
