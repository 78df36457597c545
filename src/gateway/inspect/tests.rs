use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn refused(body: &Value) -> Option<&'static str> {
    match inspect(body.to_string().as_bytes()) {
        Ok(_) => None,
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => {
            assert!(refusal.message.contains(refusal.what), "{}", refusal.message);
            Some(refusal.what)
        }
        Err(refusal) => panic!("{body} was malformed: {}", refusal.message),
    }
}

fn with(key: &str, value: Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]});
    body[key] = value;
    body
}

fn saying(block: Value) -> Value {
    with("messages", json!([{"role": "user", "content": [{"type": "text", "text": "look"}, block]}]))
}

#[test]
fn t09_twelve_features_are_refused_by_name() {
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://evil.example/?secret"}});
    let cases = [
        (with("mcp_servers", json!([{"type": "url", "url": "https://evil.example", "name": "x"}])), MCP),
        (saying(image.clone()), URL),
        (saying(json!({"type": "document", "source": {"type": "url", "url": "https://evil.example"}})), URL),
        (saying(json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}})), FILE),
        (saying(json!({"type": "container_upload", "file_id": "file_1"})), FILE),
        (
            with(
                "tools",
                json!([{"name": "ok", "input_schema": {}}, {"type": "web_search_20250305", "name": "web_search"}]),
            ),
            WEB_SEARCH,
        ),
        (with("tools", json!([{"type": "web_fetch_20250910", "name": "web_fetch"}])), WEB_FETCH),
        (with("tools", json!([{"type": "code_execution_20250825", "name": "code_execution"}])), CODE),
        (with("tools", json!([{"type": "mcp_toolset", "mcp_server_name": "x"}])), MCP),
        (with("container", json!({"skills": [{"type": "custom", "skill_id": "s"}]})), CONTAINER),
        (saying(json!({"type": "tool_result", "tool_use_id": "t", "content": [image.clone()]})), URL),
        (saying(json!({"type": "document", "source": {"type": "content", "content": [image]}})), URL),
    ];
    for (body, feature) in cases {
        assert_eq!(refused(&body), Some(feature), "{body}");
    }
}

#[test]
fn t09_side_doors_are_shut_too() {
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    let added = json!({"type": "tool_addition", "tool": {"type": "tool_definition", "definition": search}});
    let cases = [
        (saying(added), WEB_SEARCH),
        (saying(json!({"type": "tool_addition", "tool": search})), WEB_SEARCH),
        (with("tools", json!([{"type": "advisor_20260301", "name": "advisor"}])), SERVER_TOOL),
        (with("tools", json!([{"type": 7, "name": "x"}])), ""),
        (with("speed", json!("fast")), SPEED),
        (with("inference_geo", json!("us")), GEO),
        (with("system", json!([{"type": "image", "source": {"type": "url", "url": "x"}}])), URL),
        (with("container", json!("container_1")), CONTAINER),
    ];
    for (body, feature) in cases {
        if feature.is_empty() {
            assert!(inspect(body.to_string().as_bytes()).is_err());
        } else {
            assert_eq!(refused(&body), Some(feature), "{body}");
        }
    }
    // Escaped keys, two keys of one name, an early harmless type: all read the same way.
    let raw = [
        r#"{"model":"m","mcp\u005fservers":[]}"#,
        r#"{"model":"m","tools":[{"type":"web_search_20250305"}],"tools":[]}"#,
        r#"{"model":"m","messages":[{"content":[{"type":"image","source":{"type":"url","type":"base64"}}]}]}"#,
        r#"{"model":"m","messages":[{"content":[{"type":"text","text":"x","source":{"type":"url"}}]}]}"#,
    ];
    for body in raw {
        assert_eq!(inspect(body.as_bytes()).unwrap_err().status, StatusCode::FORBIDDEN, "{body}");
    }
}

#[test]
fn an_ordinary_request_passes() {
    let body = json!({
        "model": "claude-opus-5-5", "stream": true, "max_tokens": 128_000, "speed": null, "container": null,
        "system": [{"type": "text", "text": "You are", "cache_control": {"type": "ephemeral"}}],
        "tools": [
            {"name": "Bash", "input_schema": {"type": "object", "properties": {"url": {"type": "string"}}}},
            {"name": "later", "input_schema": {}, "defer_loading": true},
            {"type": "custom", "name": "x", "input_schema": {}},
            {"type": "bash_20250124", "name": "bash"},
        ],
        "metadata": {"user_id": "x"}, "thinking": {"type": "adaptive"},
        "messages": [
            {"role": "user", "content": "mcp_servers container web_search file_id"},
            {"role": "system", "content": [
                {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "Later"}},
                {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {"name": "x", "input_schema": {}}}},
            ]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "t", "name": "Write", "input": {
                    "source": {"type": "url", "url": "https://x"}, "file_id": "f", "tools": [{"type": "web_search_1"}],
                    "content": [{"type": "image", "source": {"type": "url"}}],
                }},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "ok"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
                {"type": "document", "source": {"type": "text", "data": "x"}},
                {"type": "search_result", "source": "https://x", "title": "t", "content": [{"type": "text", "text": "x"}]},
            ]},
        ],
    });
    let asked = inspect(body.to_string().as_bytes()).unwrap();
    assert_eq!(asked, Asked { model: "claude-opus-5-5".to_owned(), stream: true });
}

#[test]
fn what_is_no_object_is_malformed() {
    let deep = format!("{{\"messages\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let bodies = [
        "",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{",
        "{}x",
        "{\"model\":\"a\",\"model\":\"b\"}",
        "{\"model\":1}",
        "\u{feff}{}",
        deep.as_str(),
    ];
    for body in bodies {
        assert_eq!(inspect(body.as_bytes()).unwrap_err().status, StatusCode::BAD_REQUEST, "{body:.40}");
    }
    assert!(inspect(b"{\"model\":\"\xff\"}").is_err());
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z_]{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop_oneof![
            Just("content"),
            Just("source"),
            Just("tool"),
            Just("tools"),
            Just("text"),
            Just("type"),
            Just("input"),
            Just("x")
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = inspect(&bytes);
    }

    /// Wherever a url source is put among content, it is found.
    #[test]
    fn t09_a_buried_source_is_found(noise in json_value(), depth in 0_usize..20) {
        let mut block = json!({"type": "image", "source": {"type": "url", "url": "https://evil.example"}});
        for _ in 0..depth {
            block = json!({"type": "tool_result", "content": [{"type": "text", "text": noise.to_string()}, block]});
        }
        prop_assert_eq!(refused(&saying(block)), Some(URL));
    }

    #[test]
    fn odd_shapes_never_panic(value in json_value()) {
        let _ = inspect(with("messages", value.clone()).to_string().as_bytes());
        let _ = inspect(with("tools", value).to_string().as_bytes());
    }
}
