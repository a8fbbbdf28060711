//! Any text: parses or not, prints and reads back, and runs within small limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use maestro_sel::{FixedEnvironment, Inputs, Limits, Program, Value};

fuzz_target!(|text: &str| {
    let program = match Program::parse(text) {
        Ok(program) => program,
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                let _ = fault.render(text);
            }
            return;
        }
    };
    let printed = program.to_string();
    let again = Program::parse_complete(&printed).expect("a printed program is a program");
    assert_eq!(again.to_string(), printed);
    assert_eq!(again.required_names(), program.required_names());
    let inputs = [("a".to_owned(), Value::Long(1)), ("s".to_owned(), Value::String("x".to_owned()))];
    let limits = Limits { visits: 10_000, memory: 1_000_000, regex_steps: 10_000, ..Limits::default() };
    let _ = program.eval(&mut Inputs::new(&inputs, FixedEnvironment::at(0)), &limits);
});
