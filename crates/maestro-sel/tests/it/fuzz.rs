//! What fuzzing has found stays mended.

#[path = "../../fuzz/checks.rs"]
mod checks;

fn each(target: &str, check: fn(&str)) {
    let path = format!("{}/fuzz/corpus/{target}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let corpus = std::fs::read_to_string(path).unwrap();
    assert!(corpus.lines().count() > 100);
    for line in corpus.lines() {
        check(&serde_json::from_str::<String>(line).unwrap());
    }
}

#[test]
fn no_program_of_the_fuzz_corpus_does_harm() {
    each("program", checks::program);
}

#[test]
fn no_pattern_of_the_fuzz_corpus_does_harm() {
    each("pattern", checks::pattern);
}
