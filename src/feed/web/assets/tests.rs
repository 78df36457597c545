use super::*;

#[test]
fn files_are_found_by_their_path_alone() {
    assert_eq!(find("/sw.js").unwrap().kind, SCRIPT);
    for path in ["", "/", "/assets/", "/assets/../sw.js", "assets/app.js", "/assets/app.js/"] {
        assert_eq!(find(path), None, "{path}");
    }
}

/// Texts become nodes of text, never markup, and nothing is fetched from elsewhere (T15).
#[test]
fn t15_scripts_make_no_markup_of_text() {
    let banned = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "eval(",
        "Function(",
        "setTimeout(\"",
        "http://",
        "https://",
        "javascript:",
        "import(",
        ".style.",
        "localStorage",
    ];
    for asset in ALL.iter().filter(|asset| asset.kind == SCRIPT) {
        let text = std::str::from_utf8(asset.bytes).unwrap();
        for word in banned {
            assert!(!text.contains(word), "{}: `{word}`", asset.path);
        }
    }
}

#[test]
fn styles_and_manifest_stay_at_home() {
    let style = std::str::from_utf8(find("/assets/style.css").unwrap().bytes).unwrap();
    assert!(!style.contains("url(") && !style.contains("@import"), "the style loads nothing");
    let manifest: serde_json::Value =
        serde_json::from_slice(find("/manifest.webmanifest").unwrap().bytes).unwrap();
    for icon in manifest["icons"].as_array().unwrap() {
        assert!(find(icon["src"].as_str().unwrap()).is_some(), "{icon}");
    }
    assert_eq!(manifest["start_url"], "/");
}
