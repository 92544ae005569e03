#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twinstore_fuzz::commands::run(data));
