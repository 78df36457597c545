use super::*;

fn parse(text: &str) -> Result<User, ConfigError> {
    User::parse(text.as_bytes(), "config.yaml")
}

#[test]
fn reads_what_is_built() {
    let user = parse(
        "limits: { cost_usd: 20, memory: 8g }\nimage: [worker, python]\ncommit: { name: Ann, email: ann@example.org }\n\
         prices:\n  as_of: '2026-12-01'\n  models:\n    claude-opus-: { input: 4, output: 20, cache_read: 0.4, cache_write: 5 }\n",
    )
    .unwrap();
    assert_eq!(user.limits.cost_usd.unwrap().value, 20.0);
    assert_eq!(user.images, ["worker", "python"]);
    assert_eq!(user.commit.unwrap(), Identity { name: "Ann".into(), email: "ann@example.org".into() });
    assert_eq!(user.prices.unwrap().price("claude-opus-9").output, 20.0);
    assert_eq!(parse("image: python").unwrap().images, ["python"]);
    assert_eq!(parse("commit: { name: Ann }").unwrap().commit.unwrap().email, "bead@localhost");
}

#[test]
fn a_missing_file_is_an_empty_one_and_an_unreadable_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    assert!(User::read(&dir.path().join("config.yaml")).unwrap().images.is_empty());
    let error = User::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("directory"), "{error}");
}

#[test]
fn errors_say_what_to_do() {
    let cases = [
        ("watches: {}", "config.yaml:1: unknown key `watches`, did you mean `watch`?"),
        ("a: 1", "config.yaml:1: unknown key `a`"),
        ("limit: {}", "config.yaml:1: unknown key `limit`, did you mean `limits`?"),
        (
            "commit:\n  name: \"a\\nb\"",
            "config.yaml:2: `commit.name`: expected a text without `<`, `>` and control characters, found `a\nb`",
        ),
        (
            "prices: { as_of: x, models: {} }",
            "config.yaml:1: `prices.models`: expected at least one model, found none",
        ),
        (
            "prices: { as_of: x, models: { m: { input: 1, output: 2, cache_read: 3 } } }",
            "config.yaml:1: `prices.models.m.cache_write` is missing: expected US dollars for a million tokens",
        ),
        (
            "prices: { models: {} }",
            "config.yaml:1: `prices.as_of` is missing: expected the day of the prices, such as `\"2026-11-21\"`",
        ),
        ("image: 7", "config.yaml:1: `image`: expected a list, found `7`"),
        (
            "image: [a, -b]",
            "config.yaml:1: `image`: expected the name, tag or digest of an image, or a list of them, found `-b`",
        ),
    ];
    for (text, expect) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), expect);
    }
}
