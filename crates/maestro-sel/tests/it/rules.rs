//! Conformance cases and rules that are more than a program and its result.

use std::collections::BTreeSet;

use maestro_sel::{
    Access, Budget, Environment, ErrorKind, FixedEnvironment, Host, HostError, Inputs, Interrupt,
    Limits, Output, Program, Value, check, is_incomplete,
};

use crate::cases::{run, run_within, shown};

fn required(text: &str) -> String {
    let names: Vec<String> = Program::parse(text)
        .unwrap()
        .required_names()
        .into_iter()
        .collect();
    names.join(" ")
}

// [03:387-401] [03:403]
#[test]
fn required_names_are_those_that_are_read_first() {
    for (text, names) in [
        ("x = x + 1", ""),
        ("y = x; x = 2;", "x"),
        ("arr[i] = v", "i v"),
        ("int n = n0;", "n0"),
        ("params.get('a') + b", "b params"),
        ("Foo.bar(c)", "Foo c"),
        ("Math.max(a, b)", "a b"),
        ("if (p) q = 1; r = q; return r;", "p"),
        ("for (i = 0; i < n; i += 1) s += i; return s;", "n"),
        ("String.join(sep, names)", "names sep"),
        ("new DateTime(ts).toString(fmt)", "fmt ts"),
        ("m.k + k", "k m"),
        ("x += y", "y"),
        ("Integer a = b; a", "b"),
        ("return 'literal';", ""),
        ("int x = 'a'; new Nope();", ""),
    ] {
        assert_eq!(required(text), names, "{text}");
    }
}

// [03:402]
#[test]
fn a_faulty_text_does_not_validate() {
    let faults = check("1 +", &Limits::default()).unwrap_err();
    assert_eq!(faults[0].kind, ErrorKind::Parse);
    assert!(
        faults[0]
            .summary("1 +")
            .starts_with("BAD_REQUEST - Expression validator throws an exception for expr=[1 +]")
    );
}

// [03:404] [03:405] [03:63]
#[test]
fn errors_have_the_texts_that_callers_know() {
    let error = run("nope", "{}").unwrap_err();
    assert_eq!(
        error.summary("nope"),
        "Invalid return type [NULL] for expr=[nope]"
    );
    let error = run("1/0", "{}").unwrap_err();
    assert!(
        error
            .summary("1/0")
            .starts_with("BAD_REQUEST - Expression evaluation throws an exception for expr=[1/0]")
    );
    assert!(error.message().contains("/ by zero"));
    let error = run("throw 'bad ' + 7", "{}").unwrap_err();
    assert_eq!(
        error.summary("t"),
        "Expression throws an error [ERROR: bad 7] for expr=[t]"
    );
    assert!(!error.is_internal());
}

// SE-5: the root message has these shapes.
#[test]
fn messages_name_types_and_methods() {
    for (text, message) in [
        (
            "x = 5; x += 'a'",
            "Type mismatch, lhs type: LONG, rhs object type: STRING",
        ),
        (
            "1 && 2",
            "int/Integer/long/Long DO NOT support expression operation &&",
        ),
        (
            "b = true; b += 1",
            "boolean/Boolean DO NOT support assignment operation +=",
        ),
        ("nope.foo()", "NULL DO NOT support calling foo"),
        (
            "'abc'.length",
            "STRING DO NOT support accessing field: length",
        ),
        (
            "DateTimeZone.forID('PST')",
            "The datetime zone id 'PST' is not recognised",
        ),
    ] {
        assert_eq!(run(text, "{}").unwrap_err().message(), message, "{text}");
    }
    for (text, start) in [
        (
            "'abc'.equalz()",
            "STRING DO NOT support calling method: equalz0 with args: []",
        ),
        ("'abc'.substring(9)", "Failed calling method substring1"),
        ("while (true) { }", "the loop is over the loop limit 25001"),
        (
            "new int[25001]",
            "array length is over the limit: 25001 vs length: 25001",
        ),
    ] {
        let error = run(text, "{}").unwrap_err();
        assert!(error.message().starts_with(start), "{text}: {error}");
    }
    let error = run("new Foo()", "{}").unwrap_err();
    assert!(
        error
            .message()
            .ends_with("which does not include class:  Foo")
    );
}

#[test]
fn errors_point_at_the_place() {
    let text = "x = 1;\ny = x + nope;";
    let error = run(text, "{}").unwrap_err();
    assert_eq!(
        &text[error.span().unwrap().start as usize..error.span().unwrap().end as usize],
        "x + nope"
    );
    assert!(
        error
            .render(text)
            .contains("2 | y = x + nope;\n  |     ^^^^^^^^"),
        "{}",
        error.render(text)
    );
}

#[test]
fn all_faults_of_a_text_are_found() {
    let text = "a = 1 +;\nb = 2;\nif (b { c = 1; }\nd = 0x1F;\nfor (;;) { e = ; f = 1 }\nx++;";
    let faults = Program::parse(text).unwrap_err();
    let lines: BTreeSet<u32> = faults
        .iter()
        .map(|fault| fault.position(text).line)
        .collect();
    assert_eq!(lines.into_iter().collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
    assert!(faults.iter().any(|fault| fault.kind == ErrorKind::NumFmt));
    assert!(
        faults
            .iter()
            .any(|fault| fault.message.contains("write `x += 1`"))
    );
}

// [03:406]
#[test]
fn programs_have_a_greatest_length() {
    let text = |units: usize| format!("'{}'", "a".repeat(units - 3));
    assert!(run(&text(9999), "{}").is_ok());
    assert_eq!(
        run(&text(10_000), "{}").unwrap_err().kind(),
        ErrorKind::Illegal
    );
    assert_eq!(
        check(&text(10_000), &Limits::default()).unwrap_err()[0].kind,
        ErrorKind::Illegal
    );
}

// [03:383,384]
#[test]
fn visits_are_counted_exactly() {
    let within = |visits| {
        shown(&run_within(
            "1 + 1;",
            "{}",
            &Limits {
                visits,
                ..Limits::default()
            },
        ))
    };
    assert_eq!(within(8), "LIMIT");
    assert_eq!(within(9), "LONG 2");
}

// [03:385,386] [03:410]
#[test]
fn stack_slots_are_counted_exactly() {
    let limits = Limits {
        stack: 10,
        ..Limits::default()
    };
    assert_eq!(
        shown(&run_within(
            "int[] x = new int[]{1,2,3,4,5,6,7,8,9};",
            "{}",
            &limits
        )),
        "INDEX"
    );
    let nine = run_within("return new int[]{1,2,3,4,5,6,7,8,9};", "{}", &limits);
    assert_eq!(shown(&nine), "LONG_ARRAY [1, 2, 3, 4, 5, 6, 7, 8, 9]");
    assert_eq!(shown(&run_within("1 + 1", "{}", &limits)), "LONG 2");
}

// [03:419] [03:420]
#[test]
fn memory_is_counted_exactly() {
    let within = |text, memory| {
        shown(&run_within(
            text,
            "{}",
            &Limits {
                memory,
                ..Limits::default()
            },
        ))
    };
    assert_eq!(within("return Util.intsBetween(0, 100, 1);", 100), "LIMIT");
    assert_eq!(within("x = 'ab' + 'cd';", 72), "LIMIT");
    assert_eq!(within("x = 'ab' + 'cd';", 73), "STRING abcd");
}

// [03:408] [03:409]
#[test]
fn no_state_survives_an_evaluation() {
    let program = Program::parse("x == null ? 'new' : 'old'; x = 5; x").unwrap();
    let class = Program::parse("y = Long; Long = 7; y").unwrap();
    for _ in 0..2 {
        let mut host = Inputs::new(&[], FixedEnvironment::at(0));
        assert_eq!(
            program.eval(&mut host, &Limits::default()),
            Ok(Output::Long(5))
        );
        assert_eq!(
            class.eval(&mut host, &Limits::default()),
            Ok(Output::Long(0))
        );
    }
    assert_eq!(shown(&run("x", "{}")), "NULL");
    assert_eq!(shown(&run("Long = 7; Long", "{}")), "LONG 7");
    assert_eq!(shown(&run("Long", "{}")), "LONG 0");
}

// [03:189] [03:411]
#[test]
fn results_that_cannot_leave_are_internal_errors() {
    let output = run("m = new Map(); m.put('n', null); m", "{}").unwrap();
    assert_eq!(output.into_value().unwrap_err().key, "n");
    let error = run("m = new Map(); m.put('self', m); m", "{}").unwrap_err();
    assert!(error.is_internal());
    assert!(
        error
            .summary("m")
            .starts_with("INTERNAL_ERROR - Expression evaluation is failed")
    );
}

// [03:412]
#[test]
fn inputs_are_copies() {
    let inputs = [(
        "cfg".to_owned(),
        Value::Map(vec![("k".to_owned(), Value::String("v".to_owned()))]),
    )];
    let program = Program::parse("cfg.put('k', 'w'); params.get('cfg').get('k')").unwrap();
    let output = program.eval(
        &mut Inputs::new(&inputs, FixedEnvironment::at(0)),
        &Limits::default(),
    );
    assert_eq!(output, Ok(Output::String(Some("v".to_owned()))));
}

// [03:413]
#[test]
fn inputs_are_boxed_when_they_are_used() {
    assert_eq!(
        shown(&run("cfg.size()", r#"{"cfg": {"k": null}}"#)),
        "ILLEGAL"
    );
    assert_eq!(shown(&run("1", r#"{"cfg": {"k": null}}"#)), "LONG 1");
    assert_eq!(shown(&run("xs", r#"{"xs": [{"k": 1}]}"#)), "UNSUPP");
}

struct Extended(FixedEnvironment);

impl Environment for Extended {
    fn now_millis(&mut self) -> i64 {
        self.0.now_millis()
    }

    fn random_bits(&mut self) -> u64 {
        self.0.random_bits()
    }
}

impl Host for Extended {
    fn input(&mut self, name: &str, how: Access) -> Result<Option<Value>, HostError> {
        match (name, how) {
            ("both", Access::Name) => Ok(Some(Value::Long(1))),
            ("both", Access::Params) => Ok(Some(Value::Long(2))),
            ("later", _) => Err(HostError::Pending),
            _ => Ok(None),
        }
    }

    fn has_extension(&self) -> bool {
        true
    }

    fn call(&mut self, name: &str, args: Vec<Value>) -> Result<Value, HostError> {
        match (name, &args[..]) {
            ("echo", [Value::String(text)]) => Ok(Value::String(text.clone())),
            ("count", args) => Ok(Value::Long(args.len() as i64)),
            ("broken", []) => Err(HostError::Failed("no such step".to_owned())),
            _ => Err(HostError::Unsupported(name.to_owned())),
        }
    }
}

fn extended(text: &str) -> String {
    let program = Program::parse(text).unwrap();
    shown(&program.eval(&mut Extended(FixedEnvironment::at(0)), &Limits::default()))
}

// [03:414] [03:415]
#[test]
fn extension_calls_take_up_to_three_texts() {
    assert_eq!(shown(&run("params.getFromStep('a', 'b')", "{}")), "UNSUPP");
    assert_eq!(extended("params.echo('a')"), "STRING a");
    assert_eq!(extended("params.echo(String)"), "STRING null");
    assert_eq!(extended("params.count('a', 'b', 'c')"), "LONG 3");
    assert_eq!(extended("params.count('a', 1)"), "UNSUPP");
    assert_eq!(extended("params.count('a', 'b', 'c', 'd')"), "UNSUPP");
    assert_eq!(extended("params.count(Math)"), "UNSUPP");
    assert_eq!(extended("params.broken()"), "EXTENSION");
    assert_eq!(extended("params.nope()"), "UNSUPP");
}

// spec 02 E-12
#[test]
fn a_bare_name_and_params_may_see_different_values() {
    assert_eq!(extended("both * 10 + params.both"), "LONG 12");
    assert_eq!(extended("later + 1"), "PENDING");
}

struct Impatient(u32);

impl Environment for Impatient {
    fn now_millis(&mut self) -> i64 {
        0
    }

    fn random_bits(&mut self) -> u64 {
        0
    }

    fn poll(&mut self) -> Result<(), Interrupt> {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 {
            Err(Interrupt::Deadline)
        } else {
            Ok(())
        }
    }
}

// [03:407]
#[test]
fn a_host_can_stop_an_evaluation() {
    for text in [
        "while (true) { for (i = 0; i < 20000; i += 1) { } }",
        "s = 'x'; for (i = 0; i < 20; i += 1) { s = s + s; } for (i = 0; i < 20000; i += 1) { s.contains('yyyyyy'); }",
        "s = 'ab'; for (i = 0; i < 16; i += 1) { s = s + s; } s.replaceAll('a.*?c|a', '');",
    ] {
        let error = Program::parse(text)
            .unwrap()
            .eval(&mut Inputs::new(&[], Impatient(3)), &Limits::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{text}");
        assert!(error.is_internal());
    }
}

#[test]
fn evaluations_share_a_budget() {
    let budget = Budget::new(1_000_000);
    let limits = Limits {
        budget: Some(budget.clone()),
        ..Limits::default()
    };
    assert_eq!(shown(&run_within("1 + 1", "{}", &limits)), "LONG 2");
    let error = run_within(
        "s = 'x'; for (i = 0; i < 20; i += 1) { s = s + s; } return s.length();",
        "{}",
        &limits,
    )
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert_eq!(budget.used(), 0);
}

// [03:421] [03:422]
#[test]
fn deep_nesting_ends_with_an_answer() {
    assert_eq!(
        shown(&run(
            &format!("a = new int[1]; {}0{}", "a[".repeat(40), "]".repeat(40)),
            "{}"
        )),
        "LONG 0"
    );
    assert_eq!(
        shown(&run(
            &format!("{}0{}", "a[".repeat(40), "]".repeat(40)),
            "{}"
        )),
        "CAST"
    );
    assert_eq!(
        shown(&run(
            &format!("{}1{}", "(".repeat(250), ")".repeat(250)),
            "{}"
        )),
        "LONG 1"
    );
    for (before, after) in [
        ("(", ")"),
        ("!", ""),
        ("- ", ""),
        ("a[", "]"),
        ("{", "}"),
        ("if (x) ", ""),
        ("x = ", ""),
        ("x ? 1 : ", ""),
    ] {
        let count = 4000 / before.len();
        let text = format!("{}1{}", before.repeat(count), after.repeat(count));
        assert!(run(&text, "{}").is_err(), "{before}");
    }
    assert_eq!(
        shown(&run(&format!("1{}", " + 1".repeat(2000)), "{}")),
        "LONG 2001"
    );
    assert_eq!(
        shown(&run(&format!("nope{}", ".a".repeat(4000)), "{}")),
        "UNSUPP"
    );
    let chain: String = (0..300)
        .map(|i| format!("if (x == {i}) return {i}; else "))
        .collect();
    assert_eq!(
        shown(&run(&format!("x = 299; {chain} return -1;"), "{}")),
        "LONG 299"
    );
}

// [03:483]
#[test]
fn line_anchors_know_pairs_of_terminators() {
    assert_eq!(
        run("'a\\r\\nb'.replaceAll('(?m)$', '!')", "{}"),
        Ok(Output::String(Some("a!\r\nb!".to_owned())))
    );
    assert_eq!(
        run("'a\\r\\n'.replaceAll('$', '!')", "{}"),
        Ok(Output::String(Some("a!\r\n!".to_owned())))
    );
}

#[test]
fn expensive_patterns_come_to_a_limit() {
    // One search that no step limit would end: every place goes through all of the text.
    for pattern in ["(?>a*)b", "a(?!.*a$)", "(?<=b.*)c", "a*+b"] {
        let search = |doublings: u32| {
            let text = format!(
                "s = 'a'; for (i = 0; i < {doublings}; i += 1) {{ s = s + s; }} s.replaceAll('{pattern}', '').length()"
            );
            shown(&run(&text, "{}"))
        };
        assert!(search(12).starts_with("LONG 409"), "{pattern}");
        assert_eq!(search(17), "LIMIT", "{pattern}");
    }
    let text = "s = 'a'; for (i = 0; i < 12; i += 1) { s = s + s; } ";
    assert_eq!(
        shown(&run(
            &format!("{text} ('b' + s).replaceAll('(a+)+\\\\1b', '').length()"),
            "{}"
        )),
        "LIMIT"
    );
    assert_eq!(
        shown(&run(
            &format!("{text} s.replaceAll('(a*)*(a*)*(a*)*b', '').length()"),
            "{}"
        )),
        "LONG 4096"
    );
    assert_eq!(
        shown(&run("'a'.replaceAll('((a{1000}){1000}){1000}', '')", "{}")),
        "LIMIT"
    );
    assert_eq!(
        shown(&run("'a'.replaceAll('x{2147483647}', '')", "{}")),
        "LIMIT"
    );
    let nested = format!(
        "'a'.replaceAll('{}a{}', '')",
        "(".repeat(3000),
        ")".repeat(3000)
    );
    assert_eq!(shown(&run(&nested, "{}")), "LIMIT");
}

#[test]
fn results_of_unbounded_size_come_to_a_limit() {
    for text in [
        "String.format('%2000000000d', 1)",
        "String.format('%.2000000000f', 1.0)",
        "s = 'x'; while (true) { s += s; }",
        "Util.intsBetween(0, 2000000000, 1)",
        "Util.dateIntsBetween('00010101', 99991231, 1)",
        "m = new Map(); for (i = 0; i < 60; i += 1) { n = new Map(); n.put('a', m); n.put('b', m); Map m = n; } '' + m",
        "for (i = 0; i < 25000; i += 1) { for (j = 0; j < 25000; j += 1) { int x = 1; } }",
    ] {
        assert_eq!(shown(&run(text, "{}")), "LIMIT", "{text}");
    }
    let doubled = "m = new Map(); for (i = 0; i < 60; i += 1) { n = new Map(); n.put('a', m); n.put('b', m); Map m = n; } m";
    assert!(run(doubled, "{}").unwrap_err().is_internal());
}

#[test]
fn a_prompt_knows_when_to_go_on() {
    for text in ["if (x) {", "a.f(", "1 +", "/* open", "x = new int[]{1,"] {
        assert!(is_incomplete(text), "{text}");
    }
    for text in ["1 + 2", "x = ;", "'open", "a b c", "", "1 @"] {
        assert!(!is_incomplete(text), "{text}");
    }
}

#[test]
fn programs_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Program>();
    shared::<maestro_sel::EvalError>();
}

/// The least limit with which a program ends.
fn least(text: &str, limits: impl Fn(u64) -> Limits) -> u64 {
    let (mut low, mut high) = (0, 1 << 20);
    while low + 1 < high {
        let middle = u64::midpoint(low, high);
        match run_within(text, "{}", &limits(middle)) {
            Ok(_) => high = middle,
            Err(_) => low = middle,
        }
    }
    high
}

/// What loops are made of has a short way in the evaluator: it must count as the long way does, and stop where that does.
/// The numbers were taken before there was a short way.
#[test]
fn the_short_way_counts_like_the_long_one() {
    for (text, visits, memory, stack) in [
        (
            "s=0; for (i=0;i<100;i+=1) { s += i*2; } return s;",
            2630,
            6497,
            2,
        ),
        (
            "s=0; for (i=0;i<100;i+=1) { s += i*2+1-i; t = s; } return s;",
            4030,
            12929,
            2,
        ),
        (
            "s=0; for (i=0;i<100;i+=1) { s -= (i*(2+i))-3; s *= 3; } return s;",
            4430,
            12897,
            3,
        ),
        (
            "s=0; i=0; while (i+1<100) { i += 1; { s = i; } } return s;",
            2905,
            6465,
            2,
        ),
        (
            "s=0; for (i=0;i!=100;i+=1) s += i/3; return s;",
            2430,
            6497,
            2,
        ),
        (
            "s=1.5; for (i=0;i<100;i+=1) { s += i*2.0; } return s;",
            2630,
            9697,
            2,
        ),
        ("1+2*3-4", 15, 97, 3),
        ("x = 5; x += x*x;", 21, 65, 2),
    ] {
        let counted = (
            least(text, |visits| Limits {
                visits,
                ..Limits::default()
            }),
            least(text, |memory| Limits {
                memory,
                ..Limits::default()
            }),
            least(text, |stack| Limits {
                stack: stack as u32,
                ..Limits::default()
            }),
        );
        assert_eq!(counted, (visits, memory, stack), "{text}");
    }
}

#[test]
fn faults_in_the_short_way_are_those_of_the_long_one() {
    for (text, error) in [
        ("i = 1; s = 0; i = i / s;", "ARITH: / by zero"),
        ("i = 1; s = 0; if (i % s == 0) i = 2;", "ARITH: / by zero"),
        ("i = 1; i += 'a';", "TYPE: "),
        ("i = 1; if (i && i) i = 2;", "UNSUPP: "),
        ("i = 1; if (i + 1) i = 2;", "CAST: "),
        ("i = 1; i = i < 2;", "TYPE: "),
        ("i = 1; i = (i && 2) + 1;", "UNSUPP: "),
    ] {
        let failed = run_within(text, "{}", &Limits::default()).unwrap_err();
        let rendered = failed.render(text);
        assert!(rendered.starts_with(error), "{text}: {rendered}");
        assert!(failed.span().is_some(), "{text}");
    }
}

// SF-8: what the engines refuse to repeat, or read otherwise, and Java does not.
#[test]
fn regular_expressions_of_java_that_the_engines_refuse() {
    let replaced = |text: &str, pattern: &str| {
        let program = format!(
            "'{text}'.replaceAll('{}', '<$0>')",
            pattern.replace('\\', "\\\\")
        );
        match run(&program, "{}") {
            Ok(Output::String(Some(text))) => text,
            other => shown(&other),
        }
    };
    for (text, pattern, want) in [
        // A word boundary beside something that needs backtracking.
        ("foo foobar", r"\bfoo\b(?=.)", "<foo> foobar"),
        ("foo bar", r"(?<!o )\b\w+\b", "<foo> bar"),
        // Repetitions of what matches no character.
        ("xb", r"(?=b){2}", "x<>b"),
        ("b", r"(?!b)*", "<>b<>"),
        ("ab", r"(?<=a)?b", "a<b>"),
        ("ab", r"a{1}{2}", "<a>b"),
        ("a", r"(?m){2}a", "<a>"),
        ("ab", r"(?:^)*a", "<a>b"),
        // The end of the match before, behind an empty one and behind others.
        ("aab", r"\G", "<>aab"),
        ("aab", r"\Ga", "<a><a>b"),
        ("a b", r"\G| ", "<>a< ><>b"),
        // Intersections with an empty side.
        ("abc", "[&&b]", "a<b>c"),
        ("abc", "[^&&b]", "<a>b<c>"),
        ("abc", "[&&]", "CALL"),
        // Iterations of possessive repetitions give nothing back.
        ("aaa", "(a+){2}+", "aaa"),
        ("aaa", "(a+){1}+", "<aaa>"),
        // One endless repetition in a look-behind is fine, two wrap its bound to below zero, which finds nothing.
        ("key: v", r"(?<=\w+: )v", "key: <v>"),
        ("aab", r"(?<=^a*)b", "aa<b>"),
        ("aab", r"(?<!a+?)b", "aab"),
        ("aabbc", r"(?<=a+b+)c", "aabbc"),
        ("aabbc", r"(?<=\R+)c", "CALL"),
        ("aabbc", r"(?<=(?:a|bb)*)c", "CALL"),
        ("aabbc", r"(a)(?<=\1)", "CALL"),
        // Comments may stand before what says how greedy a repetition is.
        ("aa", "(?x)a+ +a", "aa"),
        ("aa", "(?x)a* ?a", "<a><a>"),
        // Empty matches go into a pair, but see what stands around it.
        ("😀a", "^", "<>😀a"),
        ("😀", "$", "😀<>"),
        ("😀a", r"\A", "<>😀a"),
    ] {
        assert_eq!(replaced(text, pattern), want, "{pattern} in {text}");
    }
    assert_eq!(
        shown(&run("'😀a'.replaceAll('[^😀]*', '-').length()", "{}")),
        "LONG 4"
    );
}

// SF-7: `%%` and `%n` take no argument, not even that of the specifier before; a number before them does no harm.
#[test]
fn percent_signs_and_line_breaks_of_formats_take_no_argument() {
    assert_eq!(shown(&run("String.format('%d%<%', 1)", "{}")), "ILLEGAL");
    assert_eq!(shown(&run("String.format('%d%<n', 1)", "{}")), "ILLEGAL");
    assert_eq!(shown(&run("String.format('a%3$nb')", "{}")), "STRING a\nb");
}

/// A message must not be as large as the text that it complains about.
#[test]
fn messages_cut_long_texts() {
    for call in [
        "Long.parseLong(s)",
        "new DateTime(s)",
        "DateTimeFormat.forPattern('dd').parseDateTime(s)",
        "DateTimeZone.forID(s)",
        "Double.parseDouble(s + 'x')",
        "Util.timeoutForDateTimeDeadline(new DateTime(0), s)",
        "'a'.replaceAll('(' + s, '')",
        "'a'.substring(s)",
    ] {
        let text = format!("s = '1'; for (i = 0; i < 15; i += 1) {{ s = s + s; }} {call}");
        let error = run(&text, "{}").unwrap_err();
        assert!(error.message().len() < 1000, "{call}");
    }
}
