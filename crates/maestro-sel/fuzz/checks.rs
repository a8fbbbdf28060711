//! What holds for every text. The fuzz targets feed it what they invent, a test of the crate what they have found.

use maestro_sel::{FixedEnvironment, Inputs, Limits, Program, Value};

fn limits() -> Limits {
    Limits {
        visits: 10_000,
        memory: 1_000_000,
        regex_steps: 10_000,
        ..Limits::default()
    }
}

/// Any text parses or not; a program prints and reads back, runs within small limits, and its print gives the same answer.
pub(crate) fn program(text: &str) {
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
    let inputs = [
        ("a".to_owned(), Value::Long(1)),
        ("s".to_owned(), Value::String("x".to_owned())),
    ];
    let answer = |program: &Program| {
        let mut host = Inputs::new(&inputs, FixedEnvironment::at(0));
        let result = program.eval(&mut host, &limits());
        // As text, since no NaN is equal to itself.
        format!("{:?}", result.map_err(|error| error.kind()))
    };
    assert_eq!(answer(&program), answer(&again));
}

/// A pattern and a text, divided by a line break, do no harm as regular expression, format string, date and number.
pub(crate) fn pattern(text: &str) {
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    let inputs = [
        ("p".to_owned(), Value::String(pattern.to_owned())),
        ("s".to_owned(), Value::String(text.to_owned())),
    ];
    for program in [
        "s.replaceAll(p, '[$0]')",
        "s.replaceAll(s, p)",
        "s.split(p, -1).length",
        "String.format(p, 1, 2.5, s)",
        "new DateTime(0).toString(p)",
        "DateTimeFormat.forPattern(p).parseDateTime(s).toString()",
        "new DateTime(p).toString()",
        "DateTimeZone.forID(p).getOffset(new DateTime(0))",
        "Double.parseDouble(p) + Util.timeoutForDateTimeDeadline(new DateTime(0), s)",
    ] {
        let program = Program::parse(program).expect("the programs of this file are valid");
        let mut host = Inputs::new(&inputs, FixedEnvironment::at(0));
        let _ = program.eval(&mut host, &limits());
    }
}
