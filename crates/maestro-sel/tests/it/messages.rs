//! What errors say: what was found, what was expected, how to mend it, and nothing that the user has not written.

use maestro_sel::{ErrorKind, Limits, Program, check};

use crate::cases::run;

#[test]
fn faults_of_a_text_say_what_was_found_and_expected() {
    for (text, message, written) in [
        (
            "1 +",
            "expected an expression, found the end of the program",
            "",
        ),
        (
            "x = (1 + 2",
            "expected `)`, found the end of the program",
            "",
        ),
        (
            "return",
            "expected an expression, found the end of the program",
            "",
        ),
        (
            "f.g(1, ",
            "expected an expression, found the end of the program",
            "",
        ),
        (
            "if (x) {",
            "expected an expression, found the end of the program",
            "",
        ),
        (
            "{ x = 1;",
            "expected a statement or `}`, found the end of the program",
            "",
        ),
        (
            "'x' // note",
            "expected `;` or an operator, found the end of the program; it must be written before a comment at the end",
            "",
        ),
        (
            "return new int[]{1, 2}",
            "expected `;` or an operator, found the end of the program; it must be written after a `}` at the end",
            "",
        ),
        (
            "return;",
            "expected an expression, found `;`; `return` needs a value",
            ";",
        ),
        (
            ";",
            "expected an expression, found `;`; there are no empty statements, `{ }` does nothing",
            ";",
        ),
        (
            "2--3",
            "expected `;` or an operator, found `--`; there is no `--`: write `x -= 1`, or `- -` for two signs",
            "--",
        ),
        (
            "foo(1)",
            "expected `;` or an operator, found `(`; there are no functions, only methods of a value, such as `s.length()`",
            "(",
        ),
        (
            "x = 1\ny = 2;",
            "expected `;` or an operator, found `y`; is a `;` missing at the end of line 1?",
            "y",
        ),
        (
            "int[] a = {1, 2};",
            "expected an expression, found `{`; an array is written `new int[]{1, 2}`",
            "{",
        ),
        (
            "(int) 3.7",
            "expected an expression, found `int`; there are no casts",
            "int",
        ),
        (
            "params.class",
            "expected a method or field name, found the reserved word `class`; SEL has no use for it",
            "class",
        ),
        ("{ x = }", "expected an expression, found `}`", "}"),
        ("1 }", "expected `;` or an operator, found `}`", "}"),
        (
            "1; }",
            "expected an expression, found `}`; there is no `{` for it",
            "}",
        ),
        ("for (i = 0, j = 0;;) 1;", "expected `;`, found `,`", ","),
        (
            "a \\u0062 \\u0063",
            "expected `;`, found `\\u0063`",
            "\\u0063",
        ),
        (
            "08",
            "expected `;` or an operator, found `8`; a number does not begin with 0, or has no digits 8 and 9 then",
            "8",
        ),
        (
            "1 @",
            "unexpected character `@`; there are no annotations",
            "@",
        ),
        (
            "1 +\u{a0}2",
            "unexpected character U+00A0; it looks like a blank but is none",
            "\u{a0}",
        ),
        (
            "x = “a”",
            "unexpected character `“`; texts stand in `'` or `\"`",
            "“",
        ),
        (
            "'a\\d'",
            "unknown escape `\\d` in a text; write a backslash as `\\\\`",
            "\\d",
        ),
        (
            "'a\\😀'",
            "unknown escape `\\😀` in a text; write a backslash as `\\\\`",
            "\\😀",
        ),
        (
            "'open",
            "the text is not closed; end it with `'` on the same line",
            "'open",
        ),
        (
            "1 /* open",
            "the comment is not closed; end it with `*/`",
            "/*",
        ),
        (
            "'a\\1012'",
            "`\\101` is an octal escape, which SEL does not have; write `\\u0041` for `A`",
            "\\101",
        ),
        (
            "0x1F",
            "`0x1F` is a hexadecimal number; SEL has decimal ones only",
            "0x1F",
        ),
        (
            "-9223372036854775808",
            "`9223372036854775808` is too large: the greatest LONG is 9223372036854775807",
            "9223372036854775808",
        ),
    ] {
        let faults = Program::parse(text).unwrap_err();
        let fault = &faults[0];
        assert_eq!(fault.message, message, "{text}");
        let (start, end) = (fault.span.start as usize, fault.span.end as usize);
        assert_eq!(text.get(start..end), Some(written), "{text}");
    }
}

#[test]
fn no_place_of_a_fault_is_behind_the_text() {
    for text in [
        "1 +", " x = ( ", "'open", "é = ", "'é", "/* é", "a[", "x ? y", "'\\", "\"\\u00",
    ] {
        for fault in Program::parse(text).unwrap_err() {
            assert!(fault.span.end as usize <= text.len(), "{text}: {fault:?}");
            assert!(
                text.get(fault.span.start as usize..fault.span.end as usize)
                    .is_some()
            );
        }
    }
}

#[test]
fn a_program_that_is_too_long_shows_where_it_is() {
    let text = format!("  1\n{}", "+ 1\n".repeat(2500));
    let fault = &check(&text, &Limits::default()).unwrap_err()[0];
    assert_eq!(fault.kind, ErrorKind::Illegal);
    assert_eq!(fault.position(&text).line, 2501);
    assert_eq!(fault.span.end as usize, text.trim_end().len());
}

#[test]
fn evaluations_say_what_they_need() {
    for (text, message) in [
        (
            "x = new Map(); x['a']",
            "only `params` has values by name in `[` and `]`, not MAP; a MAP has `get` and `put`",
        ),
        ("5[0]", "only arrays have elements by number, not LONG"),
        (
            "new int[1][true]",
            "Invalid index type BOOLEAN: an index is LONG, or STRING for `params`",
        ),
        (
            "'abc'.substring(1.0)",
            "Failed calling method substring1: argument type mismatch: it takes LONG of 32 bits, not [DOUBLE: 1.0]",
        ),
        (
            "new DateTime(0).plusDays('1')",
            "Failed calling method plusDays1: argument type mismatch: it takes LONG of 32 bits, not [STRING: 1]",
        ),
        (
            "String s; s.length()",
            "Failed calling method length0: it is called on a STRING without content",
        ),
        (
            "Math.max(1.0, 2)",
            "DOUBLE cannot be cast to LONG, which is needed here",
        ),
        (
            "Long.parseLong(' 5')",
            "For input string: \" 5\" is not a LONG",
        ),
        ("new int[-3]", "negative array size: -3"),
        (
            "nope",
            "invalid return type [NULL]: the result is null, for instance a name without a value",
        ),
        (
            "int x = 1;",
            "invalid return type [VOID]: the program ends without a value; end it with an expression or `return`",
        ),
        (
            "String.format('50%')",
            "Format error: bad format specifier `%`; a percent sign is written `%%`",
        ),
        (
            "new DateTime(0).toString('yyyyT')",
            "Failed calling method toString1: Illegal pattern component: T; letters that stand for themselves are quoted: 'T'",
        ),
    ] {
        let error = run(text, "{}").unwrap_err();
        assert_eq!(error.message(), message, "{text}");
        assert!(error.span().is_some(), "{text}");
    }
}
