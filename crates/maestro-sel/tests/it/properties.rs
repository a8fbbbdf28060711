//! Properties: printing and reading again, and that nothing ends in a panic.

use maestro_sel::{FixedEnvironment, Inputs, Limits, Program, Value, jsonl::evaluate};
use proptest::prelude::*;

/// Expressions of the grammar, most of which fail when they are evaluated.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.checked_abs().unwrap_or(0).to_string()),
        any::<f64>()
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(|number| format!("{:e}", number.abs())),
        Just("true".to_owned()),
        Just("null".to_owned()),
        "[a-c]",
        Just("params".to_owned()),
        Just("DateTimeZone.UTC".to_owned()),
        Just("new DateTime(0)".to_owned()),
        Just("new Map()".to_owned()),
        "'[a-z%$ .*é😀]{0,6}'",
        Just(r"'\\\'\n\ud83d'".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let method = prop_oneof![
            Just("length"),
            Just("split"),
            Just("replaceAll"),
            Just("substring"),
            Just("put"),
            Just("get"),
            Just("toString"),
            Just("plusDays"),
            Just("withYear"),
            Just("format"),
            Just("toJson"),
            Just("equals"),
            Just("size"),
            Just("valueOf"),
        ];
        let op = prop_oneof![
            Just("+"),
            Just("-"),
            Just("*"),
            Just("/"),
            Just("%"),
            Just("=="),
            Just("!="),
            Just("<"),
            Just(">="),
            Just("&&"),
            Just("||"),
        ];
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("- - !{a}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (
                inner.clone(),
                method,
                prop::collection::vec(inner.clone(), 0..3)
            )
                .prop_map(|(a, method, args)| format!("({a}).{method}({})", args.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("new int[]{{{}}}", items.join(", "))),
            ("[a-c]", inner.clone()).prop_map(|(name, a)| format!("({name} += {a})")),
            inner.prop_map(|a| format!("String.format('%s|%5d|%.2f', {a}, 1, 2.5)")),
        ]
    })
}

fn program() -> impl Strategy<Value = String> {
    let simple = prop_oneof![
        expression().prop_map(|e| format!("{e};")),
        ("[a-c]", expression()).prop_map(|(name, e)| format!("{name} = {e};")),
        ("[a-c]", expression()).prop_map(|(name, e)| format!("String[] {name}, d = {e};")),
        expression().prop_map(|e| format!("return {e};")),
        expression().prop_map(|e| format!("throw {e};")),
        Just("break;".to_owned()),
        Just("continue;".to_owned()),
    ];
    let statement = simple.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("{{ {} }}", items.join(" "))),
            (expression(), inner.clone()).prop_map(|(e, body)| format!(
                "if ({e}) {{ {body} }} else if (true) {{ {body} }} else {{ }}"
            )),
            (expression(), inner.clone()).prop_map(|(e, body)| format!("while ({e}) {{ {body} }}")),
            (expression(), inner).prop_map(|(e, body)| format!(
                "for (int i = 0, j; i < 3; i += 1) {{ a = {e}; {body} }}"
            )),
        ]
    });
    prop::collection::vec(statement, 0..4).prop_map(|items| items.join("\n"))
}

fn small() -> Limits {
    Limits {
        visits: 20_000,
        memory: 2_000_000,
        ..Limits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_program_reads_as_the_same_program(text in program()) {
        let first = Program::parse(&text);
        prop_assume!(first.is_ok());
        let first = first.unwrap();
        let printed = first.to_string();
        let second = Program::parse_complete(&printed).map_err(|faults| TestCaseError::fail(format!("{printed}\n{faults:?}")))?;
        prop_assert_eq!(&printed, &second.to_string());
        prop_assert_eq!(first.required_names(), second.required_names());
        // The same program also spends the same visits, so it has the same answer at every limit.
        for visits in [50, 200, 20_000] {
            let limits = Limits { visits, ..small() };
            let run = |program: &Program| {
                program.eval(&mut Inputs::new(&[], FixedEnvironment::at(0)), &limits).map_err(|error| error.kind())
            };
            prop_assert_eq!(format!("{:?}", run(&first)), format!("{:?}", run(&second)));
        }
    }

    #[test]
    fn no_program_panics(text in program()) {
        let inputs = [("a".to_owned(), Value::StringArray(vec![None, Some("x".to_owned())])), ("b".to_owned(), Value::Long(i64::MIN))];
        let _ = evaluate(&text, &inputs, &small(), &mut FixedEnvironment::at(0));
    }

    #[test]
    fn no_text_panics(text in "[ -~\\n\u{a0}é😀\u{2028}]{0,60}") {
        if let Err(faults) = Program::parse(&text) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(fault.render(&text).contains('^'));
            }
        }
    }

    #[test]
    fn no_pattern_panics(pattern in r"[ab\\dwQEp{}\[\]()?*+|^$.&<>=!:,0-9imsxu-]{0,16}", text in "[ab\\n\\ré😀 1]{0,12}") {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        let program = format!("'{}'.replaceAll('{}', '$0!') + '{}'.split('{}', -1).length", quoted(&text), quoted(&pattern), quoted(&text), quoted(&pattern));
        let _ = evaluate(&program, &[], &small(), &mut FixedEnvironment::at(0));
    }

    #[test]
    fn no_format_panics(pattern in "(%[-#+ 0,(<]{0,2}[0-9]{0,2}(\\.[0-9]{1,2})?[a-zA-Z%]|x){0,3}", number in any::<f64>(), long in any::<i64>()) {
        let inputs = [("d".to_owned(), Value::Double(number)), ("n".to_owned(), Value::Long(long))];
        for args in ["d, d, d", "n, n, n", "null, 'x', true"] {
            let _ = evaluate(&format!("String.format('{pattern}', {args})"), &inputs, &small(), &mut FixedEnvironment::at(0));
        }
    }

    #[test]
    fn no_date_panics(millis in any::<i64>(), amount in any::<i32>(), field in 0_usize..12, zone in 0_usize..5) {
        let zones = ["UTC", "America/New_York", "Australia/Lord_Howe", "+23:59:59.999", "Pacific/Apia"];
        let method = [
            "plusYears", "plusMonths", "minusDays", "plusHours", "withYear", "withWeekyear", "withDayOfYear", "withDayOfWeek",
            "minusMillis", "withHourOfDay", "plusWeeks", "withMillisOfDay",
        ][field];
        let inputs = [("t".to_owned(), Value::Long(millis)), ("n".to_owned(), Value::Long(amount.into()))];
        let zone = zones[zone];
        let text = format!(
            "d = new DateTime(t, DateTimeZone.forID('{zone}')); \
             s = d.toString('GGGG CC YYYY xxxx-ww-e yyyy-DDD MMM dd EEEE a KK hh HH kk mm ss SSSSS z zzzz Z ZZ ZZZ') \
               + d + d.withTimeAtStartOfDay() + d.hourOfDay().withMinimumValue() + d.dayOfYear().withMaximumValue(); \
             return s + d.{method}(n);"
        );
        let _ = evaluate(&text, &inputs, &small(), &mut FixedEnvironment::at(millis));
    }

    #[test]
    fn a_date_reads_back_from_its_text(millis in -62_135_596_800_000_i64..253_402_300_800_000, zone in 0_usize..3) {
        let zone = ["UTC", "America/New_York", "+05:30"][zone];
        let inputs = [("t".to_owned(), Value::Long(millis))];
        // Offsets of local mean time have seconds, which texts show and read.
        let text = format!("new DateTime(new DateTime(t, DateTimeZone.forID('{zone}')).toString()).getMillis() == t");
        let answer = evaluate(&text, &inputs, &small(), &mut FixedEnvironment::at(0));
        prop_assert_eq!(answer, Ok(maestro_sel::Output::Boolean(true)));
    }
}
