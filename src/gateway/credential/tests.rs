use std::os::unix::fs::PermissionsExt;

use super::*;

fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("credential");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (dir, path)
}

fn nowhere() -> &'static Path {
    Path::new("/nonexistent/beadwork/credential")
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_environment_comes_first() {
    let (_dir, path) = file("sk-ant-oat01-file\n", 0o600);
    let found = |key, token| {
        let credential = Credential::find(key, token, &path).unwrap();
        (credential.kind(), credential.expose_for_redaction().to_owned())
    };
    assert_eq!(found(some("k"), some("t")), (CredentialKind::ApiKey, "k".to_owned()));
    assert_eq!(found(some(" "), some("t\n")), (CredentialKind::OAuthToken, "t".to_owned()));
    assert_eq!(found(None, some("")), (CredentialKind::OAuthToken, "sk-ant-oat01-file".to_owned()));
    let (_dir, path) = file("sk-ant-api03-x", 0o400);
    assert_eq!(Credential::find(None, None, &path).unwrap().kind(), CredentialKind::ApiKey);
}

#[test]
fn t36_a_file_that_others_can_read_is_refused() {
    for mode in [0o644, 0o640, 0o604, 0o660, 0o602, 0o610] {
        let (_dir, path) = file("sk-ant-api03-x", mode);
        let error = Credential::find(None, None, &path).unwrap_err();
        assert!(matches!(error, CredentialError::Exposed { .. }), "{mode:o}: {error}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("chmod 600 {}", path.display())) && !text.contains("sk-ant"),
            "{text}"
        );
    }
}

#[test]
fn t36_a_foreign_file_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (_dir, path) = file("sk-ant-api03-x", 0o600);
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    let error = Credential::find(None, None, &path).unwrap_err().to_string();
    assert!(error.contains("user 65534") && error.contains("chown 0"), "{error}");
}

#[test]
fn nothing_found_says_what_to_do() {
    let error = Credential::find(None, None, nowhere()).unwrap_err().to_string();
    for word in ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "/nonexistent/beadwork/credential", "0600"] {
        assert!(error.contains(word), "{error}");
    }
    let (_dir, path) = file("\n", 0o600);
    assert!(matches!(Credential::find(None, None, &path), Err(CredentialError::Missing { .. })));
}

#[test]
fn t06_no_error_and_no_debug_shows_the_secret() {
    let credential = Credential::find(some("sk-ant-canary"), None, nowhere()).unwrap();
    let header = credential.header_value("Bearer ");
    assert!(header.is_sensitive());
    assert!(!format!("{credential:?} {header:?}").contains("canary"));
    for bad in ["sk-ant-canary\nx-evil: 1", "sk ant canary", "sk-ant-canary\u{e9}"] {
        let error = Credential::find(some(bad), None, nowhere()).unwrap_err();
        assert!(matches!(error, CredentialError::Malformed { .. }) && !error.to_string().contains("canary"));
    }
}

#[test]
fn the_sandbox_gets_a_placeholder_of_the_same_kind() {
    let key = Credential::find(some("sk-ant-canary"), None, nowhere()).unwrap().sandbox_variable();
    let token = Credential::find(None, some("sk-ant-canary"), nowhere()).unwrap().sandbox_variable();
    assert_eq!((key.0, token.0), ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"));
    assert!(!key.1.contains("canary") && !token.1.contains("canary"));
}
