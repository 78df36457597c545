use super::*;

/// Lines of keys, by their dotted path; `[1]` is an item.
#[test]
fn finds_the_line_of_a_key() {
    let text = "# name: not this\ntarget: main # run: nor this\ngates:\n  - name: a\n    run: 'name: x'\n  - { run: y,\n      name: b }\nlimits: {attempts: 3,\n  \"idle\": 5m}\nname: z\n";
    let cases = [
        ("target", 2),
        ("gates/[0]/name", 4),
        ("gates/[0]/run", 5),
        ("gates/[1]/name", 7),
        ("limits/attempts", 8),
        ("limits/idle", 9),
        ("name", 10),
        ("absent", 0),
        ("limits/absent", 8),
    ];
    for (path, line) in cases {
        let step = |part: &str| match part.strip_prefix('[').and_then(|p| p.strip_suffix(']')) {
            Some(at) => Step::Item(at.parse().unwrap()),
            None => Step::Key(part.to_owned()),
        };
        let path: Vec<Step> = path.split('/').map(step).collect();
        assert_eq!(line_of(text, &path), line, "{path:?}");
    }
}
