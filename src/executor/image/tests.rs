use super::*;

/// All files below a folder, as the table names them.
fn files(folder: &Path, prefix: &str, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{name}/"), all);
        } else {
            all.push(name);
        }
    }
}

#[test]
fn every_file_of_images_is_in_the_program_with_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("images");
    let mut there = Vec::new();
    files(&root, "", &mut there);
    there.sort();
    let embedded: Vec<&str> = FILES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(embedded, there);
    for (name, _, executable) in FILES {
        let mode = std::fs::metadata(root.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111 != 0, *executable, "{name}");
    }
}

#[test]
fn the_cli_is_the_one_that_fetch_cli_pins() {
    let fetch = FILES.iter().find(|(name, ..)| *name == "worker/fetch-cli").unwrap().1;
    assert!(fetch.contains(&format!("version={CLI_VERSION}\n")) && fetch.contains("\nsha256="));
}

#[test]
fn the_context_holds_what_the_dockerfile_copies() {
    let dockerfile = FILES.iter().find(|(name, ..)| *name == "worker/Dockerfile").unwrap().1;
    let copied: Vec<&str> =
        dockerfile.lines().filter_map(|l| l.strip_prefix("COPY ")?.split(' ').next()).collect();
    assert_eq!(copied, ["packages", "claude"]);
}

#[tokio::test]
async fn the_context_is_an_archive_with_modes_and_no_owner() {
    use futures_util::StreamExt as _;
    let folder = tempfile::tempdir().unwrap();
    unpack(folder.path()).unwrap();
    let cli = folder.path().join("cli");
    std::fs::write(&cli, vec![7; 3 << 20]).unwrap();
    std::fs::set_permissions(&cli, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let pieces: Vec<_> = context(folder.path(), &cli).unwrap().collect().await;
    let whole: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap()).collect();
    let mut archive = tar::Archive::new(whole.as_slice());
    let found: Vec<_> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let header = entry.unwrap().header().clone();
            let name = header.path().unwrap().to_str().unwrap().to_owned();
            (name, header.size().unwrap(), header.mode().unwrap() & 0o111 != 0, header.uid().unwrap())
        })
        .collect();
    assert_eq!(found[2], ("claude".into(), 3 << 20, true, 0));
    assert_eq!(
        (found[0].0.as_str(), found[0].2, found[1].0.as_str(), found[1].2),
        ("Dockerfile", false, "packages", true)
    );
}

#[tokio::test]
async fn a_script_that_fails_says_its_last_line_and_sees_only_what_it_is_given() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("base")).unwrap();
    let path = folder.path().join("base/rootfs");
    std::fs::write(&path, "#!/bin/sh\necho working >&2\nenv | sort | tr '\\n' ' ' >&2\necho >&2\nexit 3\n")
        .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let variables = [("PATH".into(), "/usr/bin:/bin".into()), ("SHOWN".into(), "1".into())];
    let kitchen = Kitchen { cache: folder.path(), variables: &variables };
    let mut lines = Vec::new();
    let error = run(folder.path(), "base/rootfs", Path::new("/out"), &kitchen, &mut |line| {
        lines.push(line.to_owned())
    })
    .await
    .unwrap_err();
    let ImageError::Script { code: 3, said, .. } = error else { panic!("{error}") };
    assert!(said.contains("SHOWN=1") && !said.contains("CARGO"), "{said}");
    assert_eq!(lines[0], "working");
}
