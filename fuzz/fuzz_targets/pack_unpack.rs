#![no_main]

#[path = "../src/pack_unpack.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
