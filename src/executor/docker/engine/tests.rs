use super::*;

fn version(runc: &str) -> Version {
    let text = format!(
        r#"{{"Version":"28.2.2","ApiVersion":"1.50","Unknown":{{}},"Components":[
            {{"Name":"Engine","Version":"28.2.2","Details":{{"Os":"linux"}}}},
            {{"Name":"runc","Version":"{runc}"}},{{"Name":"docker-init","Version":"0.19.0"}}]}}"#
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn t11_an_old_runc_is_named_with_its_cves() {
    let table = [
        ("1.1.5+ds1", true, true),
        ("1.1.11", true, true),
        ("1.1.12", false, true),
        ("1.2.7", false, true),
        ("1.2.8", false, false),
        ("1.3.0", false, true),
        ("1.3.2", false, true),
        ("1.3.3", false, false),
        ("1.4.0-rc.2", false, true),
        ("1.4.0-rc.3", false, false),
        ("1.4.0", false, false),
        ("2.0.0", false, false),
        ("", true, true),
    ];
    for (runc, of_2024, of_2025) in table {
        let text = warnings(&version(runc), &Info::default()).join(" ");
        assert_eq!(text.contains("CVE-2024-21626"), of_2024, "{runc}: {text}");
        for cve in ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"] {
            assert_eq!(text.contains(cve), of_2025, "{runc}: {text}");
        }
    }
}

#[test]
fn t42_a_limit_the_engine_lacks_is_named() {
    let info = r#"{"MemoryLimit":true,"SwapLimit":false,"PidsLimit":false,"CpuCfsQuota":true,
        "SecurityOptions":["name=apparmor"],"CgroupDriver":"none"}"#;
    let found = warnings(&version("1.3.3"), &serde_json::from_str(info).unwrap());
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("swap") && found[1].contains("process") && found[2].contains("seccomp"));
}

#[test]
fn a_good_engine_has_no_warnings() {
    let info = r#"{"MemoryLimit":true,"SwapLimit":true,"PidsLimit":true,"CpuCfsQuota":true,
        "SecurityOptions":["name=seccomp,profile=builtin"]}"#;
    assert!(warnings(&version("1.3.3"), &serde_json::from_str(info).unwrap()).is_empty());
}

#[test]
fn engines_are_told_apart_by_their_components() {
    assert_eq!(version("1.3.3").dialect(), Dialect::Docker { init: true });
    let podman = r#"{"Version":"4.3.1","Components":[{"Name":"Podman Engine","Version":"4.3.1"}]}"#;
    assert_eq!(serde_json::from_str::<Version>(podman).unwrap().dialect(), Dialect::Podman);
    assert_eq!(Version::default().dialect(), Dialect::Docker { init: false });
}
