//! Feeds `checks::pattern`.
#![no_main]
#![allow(dead_code, reason = "each target has its own check")]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::pattern(text));
