use proptest::prelude::*;

use super::*;

fn client(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn key() -> Credential {
    Credential::new(CredentialKind::ApiKey, "ours", "test").unwrap()
}

fn token() -> Credential {
    Credential::new(CredentialKind::OAuthToken, "ours", "test").unwrap()
}

/// What Claude Code 2.1.329 sent with a subscription's token.
const CLI_BETAS: &str = "claude-code-20250219,oauth-2025-04-20,interleaved-thinking-2025-05-14,\
context-management-2025-06-27,per-turn-control-2026-07-01,mid-conversation-tool-changes-2026-07-01,\
thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24,extended-cache-ttl-2025-04-11";

#[test]
fn t08_only_our_credential_goes_out() {
    let attack = client(&[
        ("x-api-key", "theirs"),
        ("authorization", "Bearer theirs"),
        ("proxy-authorization", "Basic theirs"),
        ("cookie", "session=theirs"),
        ("anthropic-organization-id", "theirs"),
        ("anthropic-workspace-id", "theirs"),
        ("x-forwarded-for", "theirs"),
        ("x-anthropic-additional-protection", "theirs"),
        ("x-custom", "theirs"),
        ("host", "theirs"),
        ("content-length", "6"),
    ]);
    let out = outgoing(&attack, &key());
    assert!(out.iter().all(|(_, value)| !value.as_bytes().ends_with(b"theirs")), "{out:?}");
    assert_eq!(out.get("x-api-key").unwrap(), "ours");
    assert!(
        !out.contains_key("authorization")
            && !out.contains_key("content-length")
            && !out.contains_key("host")
    );
    let out = outgoing(&attack, &token());
    assert_eq!(out.get("authorization").unwrap(), "Bearer ours");
    assert!(!out.contains_key("x-api-key"));
}

#[test]
fn what_the_cli_sends_arrives() {
    let sent = client(&[
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("anthropic-beta", CLI_BETAS),
        ("anthropic-version", "2023-06-01"),
        ("user-agent", "claude-cli/2.1.329 (external, sdk-cli)"),
        ("x-app", "cli"),
        ("x-claude-code-session-id", "c9dcfe3c"),
        ("x-stainless-retry-count", "0"),
        ("x-stainless-timeout", "600"),
    ]);
    let out = outgoing(&sent, &token());
    for name in sent.keys().filter(|name| !matches!(name.as_str(), "accept-encoding" | "anthropic-beta")) {
        assert_eq!(out.get(name), sent.get(name), "{name}");
    }
    assert_eq!(out.get("accept-encoding").unwrap(), "identity");
    let mut betas: Vec<_> = out["anthropic-beta"].to_str().unwrap().split(',').collect();
    let mut expected: Vec<_> = CLI_BETAS.split(',').collect();
    betas.sort_unstable();
    expected.sort_unstable();
    assert_eq!(betas, expected);
}

#[test]
fn t08_betas_that_give_power_are_dropped() {
    let asked = "files-api-2025-04-14, effort-2025-11-24,mcp-client-2025-11-20,code-execution-2025-08-25,\
        web-fetch-2025-09-10,skills-2025-10-02,fast-mode-2026-02-01,effort,effort-x,advisor-tool-2026-03-01,\
        oauth-2025-04-20,effort-2025-11-24,-2025-11-24,message-batches-2024-09-24";
    assert_eq!(
        outgoing(&client(&[("anthropic-beta", asked)]), &key())["anthropic-beta"],
        "effort-2025-11-24"
    );
    let out = outgoing(&client(&[("anthropic-beta", asked)]), &token());
    assert_eq!(out["anthropic-beta"], "effort-2025-11-24,oauth-2025-04-20");
    assert!(!outgoing(&HeaderMap::new(), &key()).contains_key("anthropic-beta"));
}

#[test]
fn the_answer_keeps_what_a_client_plans_by() {
    let answer = client(&[
        ("content-type", "text/event-stream"),
        ("retry-after", "8"),
        ("request-id", "req_1"),
        ("anthropic-ratelimit-unified-reset", "1795228270"),
        ("anthropic-organization-id", "org"),
        ("set-cookie", "a=b"),
        ("connection", "keep-alive"),
        ("transfer-encoding", "chunked"),
        ("server", "edge"),
    ]);
    let mut kept: Vec<_> = incoming(&answer).keys().map(ToString::to_string).collect();
    kept.sort_unstable();
    assert_eq!(kept, ["anthropic-ratelimit-unified-reset", "content-type", "request-id", "retry-after"]);
    let planned = limits(&answer);
    assert_eq!(planned.keys().collect::<Vec<_>>(), ["anthropic-ratelimit-unified-reset", "retry-after"]);
}

proptest! {
    #[test]
    fn no_beta_value_breaks_the_header(value in "[ -~]{0,200}") {
        let mut map = HeaderMap::new();
        map.insert(BETA, HeaderValue::from_str(&value).unwrap());
        let out = outgoing(&map, &key());
        let kept = out.get(BETA).map(|kept| kept.to_str().unwrap().to_owned()).unwrap_or_default();
        prop_assert!(kept.split(',').filter(|beta| !beta.is_empty()).all(|beta| BETAS.contains(&family(beta))));
    }
}
