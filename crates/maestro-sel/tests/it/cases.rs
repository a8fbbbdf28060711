//! The conformance cases that are a program and its result.

use maestro_sel::{
    ErrorKind, EvalError, FixedEnvironment, Inputs, Limits, Output, Program, Value, jsonl,
};

use crate::{cases_dates, cases_language, cases_library};

/// Runs an engine text with inputs in JSON.
pub(crate) fn run(text: &str, inputs: &str) -> Result<Output, EvalError> {
    run_within(text, inputs, &Limits::default())
}

pub(crate) fn run_within(text: &str, inputs: &str, limits: &Limits) -> Result<Output, EvalError> {
    let Value::Map(inputs) = jsonl::value_from_json(inputs).unwrap() else {
        panic!("inputs are an object")
    };
    let program = Program::parse_within(text, limits)?;
    program.eval(
        &mut Inputs::new(&inputs, FixedEnvironment::at(1_750_000_000_000)),
        limits,
    )
}

/// A result in the notation of the specification.
pub(crate) fn shown(result: &Result<Output, EvalError>) -> String {
    let output = match result {
        Ok(output) => output,
        Err(error) => {
            return match error.kind() {
                ErrorKind::BadType => match error.result_type().unwrap().as_str() {
                    name @ ("NULL" | "VOID") => name.to_owned(),
                    name => format!("BADTYPE {name}"),
                },
                ErrorKind::Thrown => format!("ERROR {}", error.message()),
                kind => kind.to_string(),
            };
        }
    };
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "null".to_owned());
    let content = match output {
        Output::String(content) => text(content),
        Output::Long(number) => number.to_string(),
        Output::Double(number) => format!("{number:?}"),
        Output::Boolean(truth) => truth.to_string(),
        Output::StringArray(items) => list(items.iter().map(text).collect()),
        Output::LongArray(items) => list(items.iter().map(ToString::to_string).collect()),
        Output::DoubleArray(items) => list(items.iter().map(|item| format!("{item:?}")).collect()),
        Output::BooleanArray(items) => list(items.iter().map(ToString::to_string).collect()),
        Output::Map(None) => "null".to_owned(),
        Output::Map(Some(entries)) => {
            let types: Vec<&str> = entries
                .iter()
                .map(|(_, value)| value.type_name().as_str())
                .collect();
            format!("with entries of type {}", types.join(" and "))
        }
        Output::Other(_) => unreachable!("only inside of maps"),
    };
    format!("{} {content}", output.type_name())
}

fn same(want: &str, have: &str) -> bool {
    let number = |text: &str| {
        text.strip_prefix("DOUBLE ")
            .and_then(|text| text.replace("Infinity", "inf").parse::<f64>().ok())
    };
    match (number(want), number(have)) {
        (Some(want), Some(have)) => {
            want.to_bits() == have.to_bits() || want.is_nan() && have.is_nan()
        }
        _ => want == have,
    }
}

#[test]
fn conformance_cases_give_their_results() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let tables = [
        cases_language::CASES,
        cases_library::CASES,
        cases_dates::CASES,
    ];
    for line in tables
        .iter()
        .flat_map(|table| table.lines())
        .filter(|line| !line.is_empty())
    {
        let (tag, rest) = line.split_once(' ').unwrap();
        let (program, want) = rest.rsplit_once("=> ").unwrap();
        let program = program.strip_suffix(' ').unwrap_or(program);
        let (program, inputs) = program.rsplit_once(" with ").unwrap_or((program, "{}"));
        let have = shown(&run(program, inputs));
        count += 1;
        if !same(want, &have) {
            wrong.push(format!("{tag} {program}\n   want {want}\n   have {have}"));
        }
    }
    assert!(count > 500);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
