//! Every example of `docs/reference/sel.md` gives the result that it shows.

use std::path::PathBuf;

use maestro_sel::Program;

use crate::cases::{run, shown};

#[test]
fn examples_of_the_reference_are_true() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/sel.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut count = 0;
    for block in page.split("```sel\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let (mut program, mut inputs) = (String::new(), "{}");
        for line in block.lines() {
            if let Some(given) = line.strip_prefix("// inputs: ") {
                inputs = given;
            } else if let Some(want) = line.strip_prefix("// => ") {
                assert_eq!(shown(&run(&program, inputs)), want, "{program}");
                count += 1;
                program.clear();
            } else {
                program.push_str(line);
                program.push('\n');
            }
        }
        assert!(program.is_empty(), "an example without a result: {program}");
    }
    assert!(count > 60, "{count}");
}

#[test]
fn the_message_of_the_reference_is_the_one_that_is_shown() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/sel.md");
    let page = std::fs::read_to_string(path).unwrap();
    let text = "x = 'abc';\ny = x.indexOf('b');";
    assert!(Program::parse(text).is_ok());
    let message = run(text, "{}").unwrap_err().render(text);
    assert!(page.contains(&message), "{message}");
}
