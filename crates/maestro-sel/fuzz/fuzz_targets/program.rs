//! Feeds `checks::program`.
#![no_main]
#![allow(dead_code, reason = "each target has its own check")]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|text: &str| checks::program(text));
