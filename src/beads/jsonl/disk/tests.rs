use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::RandomIds;

fn disk(dir: &Path) -> Disk {
    Disk::new(dir.join("issues.jsonl"), Arc::new(RandomIds))
}

fn append(disk: &Disk, line: &str) -> Result<(), TrackerError> {
    disk.change(|mut bytes| {
        bytes.extend_from_slice(line.as_bytes());
        Ok((Some(bytes), ()))
    })
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_write_leaves_the_mode_and_no_other_file() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path());
    append(&disk, "a\n").unwrap();
    std::fs::set_permissions(dir.path().join("issues.jsonl"), Permissions::from_mode(0o640)).unwrap();
    append(&disk, "b\n").unwrap();
    assert_eq!(disk.read().unwrap(), b"a\nb\n");
    let mode = std::fs::metadata(dir.path().join("issues.jsonl")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(names(dir.path()), [".jsonl.lock", "issues.jsonl"]);
}

/// An editor takes no lock: it replaces the file at the given moment of our write, `times` times in a row.
fn saves_at(moment: Moment, times: usize, is_plain: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut disk = disk(dir.path());
    disk.is_plain = is_plain;
    append(&disk, "a\n").unwrap();
    let file = dir.path().join("issues.jsonl");
    let saved = Arc::new(AtomicUsize::new(0));
    let counter = saved.clone();
    let path = file.clone();
    disk.seam = Some(Arc::new(move |at| {
        if at == moment && counter.load(Ordering::SeqCst) < times {
            let n = counter.fetch_add(1, Ordering::SeqCst);
            let text = std::fs::read_to_string(&path).unwrap() + &format!("editor {n}\n");
            std::fs::write(path.with_extension("swp"), text).unwrap();
            std::fs::rename(path.with_extension("swp"), &path).unwrap();
        }
    }));
    append(&disk, "ours\n").unwrap();
    let editors: String = (0..times).map(|n| format!("editor {n}\n")).collect();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("a\n{editors}ours\n"));
    assert_eq!(names(dir.path()), [".jsonl.lock", "issues.jsonl"]);
}

#[test]
fn f37_a_save_while_we_change_is_merged() {
    saves_at(Moment::Read, 3, false);
    saves_at(Moment::Read, 3, true);
}

#[test]
fn f37_a_save_between_the_last_look_and_the_swap_is_merged() {
    saves_at(Moment::Compared, 3, false);
}

/// An editor that saves in place: it empties the file and writes the text a moment later.
#[test]
fn f37_a_file_that_is_being_saved_in_place_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut disk = disk(dir.path());
    append(&disk, "a\n").unwrap();
    let path = dir.path().join("issues.jsonl");
    let rest = Arc::new(std::sync::Mutex::new(None::<(File, String)>));
    let editor = Arc::clone(&rest);
    disk.seam = Some(Arc::new(move |at| {
        if at == Moment::Read
            && let Some((mut file, text)) = editor.lock().unwrap().take()
        {
            file.write_all(text.as_bytes()).unwrap();
        }
    }));
    for n in 0..5 {
        let text = std::fs::read_to_string(&path).unwrap() + &format!("editor {n}\n");
        *rest.lock().unwrap() = Some((File::create(&path).unwrap(), text));
        append(&disk, &format!("ours {n}\n")).unwrap();
    }
    let expected: String = (0..5).map(|n| format!("editor {n}\nours {n}\n")).collect();
    assert_eq!(disk.read().unwrap(), format!("a\n{expected}").into_bytes());
    assert_eq!(names(dir.path()), [".jsonl.lock", "issues.jsonl"]);
}

/// An editor has the file open, and writes when another stands in its place already.
#[test]
fn f37_a_write_into_the_file_that_was_taken_out_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut disk = disk(dir.path());
    append(&disk, "a\n").unwrap();
    let path = dir.path().join("issues.jsonl");
    let open = std::sync::Mutex::new(None);
    disk.seam = Some(Arc::new(move |at| match at {
        Moment::Compared => {
            let mut open = open.lock().unwrap();
            *open = Some(OpenOptions::new().append(true).open(&path).unwrap());
        }
        Moment::Exchanged if !std::fs::read_to_string(&path).unwrap().contains("editor") => {
            let mut file = open.lock().unwrap().take().unwrap();
            file.write_all(b"editor\n").unwrap();
        }
        _ => {}
    }));
    append(&disk, "ours\n").unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("issues.jsonl")).unwrap(), "a\neditor\nours\n");
    assert_eq!(names(dir.path()), [".jsonl.lock", "issues.jsonl"]);
}

#[test]
fn f37_a_file_saved_without_end_is_given_up_and_left_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut disk = disk(dir.path());
    append(&disk, "a\n").unwrap();
    let path = dir.path().join("issues.jsonl");
    let file = path.clone();
    disk.seam = Some(Arc::new(move |_| {
        let text = std::fs::read_to_string(&path).unwrap() + "e\n";
        std::fs::write(&path, text).unwrap();
    }));
    assert!(matches!(append(&disk, "ours\n"), Err(TrackerError::Contended { .. })));
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.starts_with("a\ne\n") && !text.contains("ours"), "{text}");
}

#[test]
fn f37_a_file_that_appears_meanwhile_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let mut disk = disk(dir.path());
    let path = dir.path().join("issues.jsonl");
    disk.seam = Some(Arc::new(move |at| {
        if at == Moment::Compared && !path.exists() {
            std::fs::write(&path, "first\n").unwrap();
        }
    }));
    append(&disk, "ours\n").unwrap();
    assert_eq!(disk.read().unwrap(), b"first\nours\n");
}

#[test]
fn links_and_pipes_in_place_of_the_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("secret");
    std::fs::write(&target, "x\n").unwrap();
    std::os::unix::fs::symlink(&target, dir.path().join("issues.jsonl")).unwrap();
    assert!(matches!(disk(dir.path()).read(), Err(TrackerError::NotAFile { .. })));
    assert!(append(&disk(dir.path()), "y\n").is_err());
    assert_eq!(std::fs::read_to_string(target).unwrap(), "x\n");

    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("issues.jsonl")).unwrap();
    assert!(matches!(disk(dir.path()).read(), Err(TrackerError::NotAFile { .. })));
}

#[test]
fn a_held_lock_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(dir.path());
    let held = disk.lock().unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| append(&disk, "a\n"));
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(disk.read().unwrap(), b"", "nothing is written while another holds the lock");
        drop(held);
        writer.join().unwrap().unwrap();
    });
    assert_eq!(disk.read().unwrap(), b"a\n");
}

/// Two write again and again, and rest only between letting go of the lock and taking it. Without a queue whoever had it
/// had it again, up to fifty times in a row.
#[test]
fn f37_who_waits_for_the_lock_comes_before_who_has_just_had_it() {
    const TURNS: usize = 30;
    let dir = tempfile::tempdir().unwrap();
    let taken = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = |name: &'static str| {
        let (mut disk, taken) = (disk(dir.path()), Arc::clone(&taken));
        disk.seam = Some(Arc::new(move |at| {
            if at == Moment::Read {
                taken.lock().unwrap().push(name);
                std::thread::sleep(Duration::from_millis(8));
            }
        }));
        move || (0..TURNS).for_each(|_| append(&disk, name).unwrap())
    };
    std::thread::scope(|scope| {
        scope.spawn(writer("a"));
        scope.spawn(writer("b"));
    });
    let taken = taken.lock().unwrap();
    // Until one of them is done.
    let last =
        ["a", "b"].map(|name| taken.iter().rposition(|n| *n == name).unwrap()).into_iter().min().unwrap();
    let longest = taken[..=last].chunk_by(|one, next| one == next).map(<[_]>::len).max().unwrap();
    assert!(longest <= 6, "one had it {longest} times in a row: {taken:?}");
}
