#![no_main]
//! Any bytes as bead.yaml: an error or a project, never a panic.
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = beadwork::config::project::Project::parse(bytes, "bead.yaml");
});
