use super::*;

#[tokio::test]
async fn t34_what_was_sent_comes_back_clean_and_short() {
    let evil = "\u{1b}]0;owned\u{7}\u{202e}x\n";
    let problem = Problem::gone(format!("no `{evil}`{}", "y".repeat(9000))).hint(format!("try {evil}"));
    let response = problem.into_response();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    for said in [&told["detail"], &told["hints"][0]] {
        let said = said.as_str().unwrap();
        assert!(said.chars().count() <= LONGEST && !said.contains("owned"), "{said:?}");
        assert!(!said.chars().any(|c| c.is_control() || c == '\u{202e}'), "{said:?}");
    }
}
