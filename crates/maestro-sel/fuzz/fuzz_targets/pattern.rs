//! A pattern and a text, divided by a line break: as regular expression, format string and date pattern.
#![no_main]

use libfuzzer_sys::fuzz_target;
use maestro_sel::{FixedEnvironment, Inputs, Limits, Program, Value};

fuzz_target!(|text: &str| {
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    let inputs = [("p".to_owned(), Value::String(pattern.to_owned())), ("s".to_owned(), Value::String(text.to_owned()))];
    let limits = Limits { visits: 10_000, memory: 1_000_000, regex_steps: 10_000, ..Limits::default() };
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
        let _ = program.eval(&mut Inputs::new(&inputs, FixedEnvironment::at(0)), &limits);
    }
});
