#![no_main]
//! Any text as a rehearsal script: an error or a script, never a panic.
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = beadwork::model::script::Script::parse(text);
});
