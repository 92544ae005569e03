#![no_main]

#[path = "../src/json_scanner.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
