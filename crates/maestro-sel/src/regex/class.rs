//! Character classes of Java's regular expressions.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind},
};

use super::{
    blocks::BLOCKS,
    parse::{Flags, Refused, syntax},
};

pub(super) fn range(start: char, end: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(start, end)])
}

fn ranges(parts: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(
        parts
            .iter()
            .map(|(start, end)| ClassUnicodeRange::new(*start, *end)),
    )
}

pub(super) fn negated(mut set: ClassUnicode) -> ClassUnicode {
    set.negate();
    set
}

fn union(mut set: ClassUnicode, other: &ClassUnicode) -> ClassUnicode {
    set.union(other);
    set
}

fn minus(mut set: ClassUnicode, other: &ClassUnicode) -> ClassUnicode {
    set.difference(other);
    set
}

/// A set with the other cases of its letters, as far as the flags say.
pub(super) fn folded(mut set: ClassUnicode, flags: Flags) -> ClassUnicode {
    if !flags.ignore_case {
        return set;
    }
    if flags.unicode_case {
        // The tables for it are part of the build; without them the set stays as it is.
        let _folded = set.try_case_fold_simple();
        return set;
    }
    let shifted = |(start, end): (char, char), by: i32| {
        let mut part = range(start, end);
        part.intersect(&set);
        let moved = |c: char| char::from_u32((c as i32 + by) as u32).unwrap_or(c);
        ClassUnicode::new(
            part.ranges()
                .iter()
                .map(|r| ClassUnicodeRange::new(moved(r.start()), moved(r.end()))),
        )
    };
    let (upper, lower) = (shifted(('a', 'z'), -32), shifted(('A', 'Z'), 32));
    union(union(set, &upper), &lower)
}

pub(super) fn terminators(unix: bool) -> ClassUnicode {
    if unix {
        return range('\n', '\n');
    }
    ranges(&[
        ('\n', '\n'),
        ('\r', '\r'),
        ('\u{85}', '\u{85}'),
        ('\u{2028}', '\u{2029}'),
    ])
}

pub(super) fn digits(unicode: bool) -> ClassUnicode {
    if unicode {
        named("Nd")
    } else {
        range('0', '9')
    }
}

pub(super) fn words(unicode: bool) -> ClassUnicode {
    if unicode {
        escape(r"\w")
    } else {
        ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')])
    }
}

pub(super) fn blanks(unicode: bool) -> ClassUnicode {
    if unicode {
        named("White_Space")
    } else {
        ranges(&[('\t', '\r'), (' ', ' ')])
    }
}

pub(super) fn horizontal() -> ClassUnicode {
    let mut parts = vec![
        ('\t', '\t'),
        (' ', ' '),
        ('\u{a0}', '\u{a0}'),
        ('\u{1680}', '\u{1680}'),
        ('\u{180e}', '\u{180e}'),
    ];
    parts.extend([
        ('\u{2000}', '\u{200a}'),
        ('\u{202f}', '\u{202f}'),
        ('\u{205f}', '\u{205f}'),
        ('\u{3000}', '\u{3000}'),
    ]);
    ranges(&parts)
}

pub(super) fn vertical() -> ClassUnicode {
    ranges(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')])
}

/// Marks, joiners and modifiers that belong to the character before them.
pub(super) fn extenders() -> ClassUnicode {
    union(
        named("M"),
        &ranges(&[
            ('\u{200d}', '\u{200d}'),
            ('\u{fe00}', '\u{fe0f}'),
            ('\u{1f3fb}', '\u{1f3ff}'),
        ]),
    )
}

/// A class that the regex crate knows by an escape of its own.
fn escape(pattern: &str) -> ClassUnicode {
    known(pattern).unwrap_or_else(ClassUnicode::empty)
}

fn known(pattern: &str) -> Option<ClassUnicode> {
    let hir = ParserBuilder::new().build().parse(pattern).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(set)) => Some(set),
        // A class of one character is a literal.
        HirKind::Literal(literal) => {
            let c = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            Some(range(c, c))
        }
        _ => None,
    }
}

/// A property by a name that is part of this file.
fn named(name: &str) -> ClassUnicode {
    escape(&format!(r"\p{{{name}}}"))
}

const CATEGORIES: &[&str] = &[
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc",
    "Cf", "Co", "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf", "L", "M",
    "N", "Z", "C", "P", "S",
];

fn category(name: &str) -> Option<ClassUnicode> {
    match name {
        "LC" => Some(cased()),
        "LD" => Some(union(named("L"), &named("Nd"))),
        "L1" => Some(range('\0', '\u{ff}')),
        "all" => Some(negated(ClassUnicode::empty())),
        // Surrogates do not occur in well-formed texts.
        "Cs" => Some(ClassUnicode::empty()),
        name => CATEGORIES.contains(&name).then(|| named(name)),
    }
}

/// Upper, lower and title case letters: what a case property means when case is ignored.
fn cased() -> ClassUnicode {
    union(union(named("Lu"), &named("Ll")), &named("Lt"))
}

fn posix(name: &str, unicode: bool) -> Option<ClassUnicode> {
    if unicode {
        return Some(match name {
            "Lower" => named("Lowercase"),
            "Upper" => named("Uppercase"),
            "Space" => named("White_Space"),
            "Digit" => named("Nd"),
            "Alpha" => named("Alphabetic"),
            "Alnum" => union(named("Alphabetic"), &named("Nd")),
            "Punct" => named("P"),
            "Cntrl" => named("Cc"),
            "XDigit" => union(named("Nd"), &named("Hex_Digit")),
            "Blank" => union(named("Zs"), &range('\t', '\t')),
            "Graph" => graph(),
            "Print" => minus(
                union(graph(), &union(named("Zs"), &range('\t', '\t'))),
                &named("Cc"),
            ),
            "ASCII" => range('\0', '\u{7f}'),
            _ => return None,
        });
    }
    Some(match name {
        "Lower" => range('a', 'z'),
        "Upper" => range('A', 'Z'),
        "ASCII" => range('\0', '\u{7f}'),
        "Alpha" => ranges(&[('A', 'Z'), ('a', 'z')]),
        "Digit" => range('0', '9'),
        "Alnum" => ranges(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "Punct" => ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "Graph" => range('!', '~'),
        "Print" => range(' ', '~'),
        "Blank" => ranges(&[('\t', '\t'), (' ', ' ')]),
        "Cntrl" => ranges(&[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')]),
        "XDigit" => ranges(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        "Space" => ranges(&[('\t', '\r'), (' ', ' ')]),
        _ => return None,
    })
}

fn graph() -> ClassUnicode {
    let hidden = union(
        union(named("Z"), &named("Cc")),
        &union(named("Cs_"), &named("Cn")),
    );
    minus(negated(hidden), &named("White_Space"))
}

/// The predicates of `java.lang.Character`.
fn java(name: &str) -> Option<ClassUnicode> {
    let identifier_ignorable = || {
        union(
            ranges(&[('\0', '\u{8}'), ('\u{e}', '\u{1b}'), ('\u{7f}', '\u{9f}')]),
            &named("Cf"),
        )
    };
    let identifier_start = || {
        union(
            union(named("L"), &named("Nl")),
            &union(named("Sc"), &named("Pc")),
        )
    };
    Some(match name {
        "LowerCase" => named("Lowercase"),
        "UpperCase" => named("Uppercase"),
        "Alphabetic" => named("Alphabetic"),
        "Ideographic" => named("Ideographic"),
        "TitleCase" => named("Lt"),
        "Digit" => named("Nd"),
        "Defined" => negated(named("Cn")),
        "Letter" => named("L"),
        "LetterOrDigit" => union(named("L"), &named("Nd")),
        "JavaIdentifierStart" => identifier_start(),
        "JavaIdentifierPart" => {
            let marks = union(named("Mc"), &named("Mn"));
            union(
                union(union(identifier_start(), &named("Nd")), &marks),
                &identifier_ignorable(),
            )
        }
        "UnicodeIdentifierStart" => named("ID_Start"),
        "UnicodeIdentifierPart" => union(named("ID_Continue"), &identifier_ignorable()),
        "IdentifierIgnorable" => identifier_ignorable(),
        "SpaceChar" => named("Z"),
        "Whitespace" => {
            let fixed = ranges(&[
                ('\u{a0}', '\u{a0}'),
                ('\u{2007}', '\u{2007}'),
                ('\u{202f}', '\u{202f}'),
            ]);
            union(
                minus(named("Z"), &fixed),
                &ranges(&[('\t', '\r'), ('\u{1c}', '\u{1f}')]),
            )
        }
        "ISOControl" => ranges(&[('\0', '\u{1f}'), ('\u{7f}', '\u{9f}')]),
        "Mirrored" => mirrored(),
        _ => return None,
    })
}

/// ASCII and the usual brackets; the complete list is not part of the tables at hand.
fn mirrored() -> ClassUnicode {
    union(
        union(named("Ps"), &named("Pe")),
        &ranges(&[
            ('<', '<'),
            ('>', '>'),
            ('\u{ab}', '\u{ab}'),
            ('\u{bb}', '\u{bb}'),
        ]),
    )
}

/// Binary properties, whatever their case (`\p{IsAlphabetic}`).
fn binary(name: &str) -> Option<ClassUnicode> {
    Some(
        match name.to_ascii_uppercase().replace(['_', ' '], "").as_str() {
            "ALPHABETIC" => named("Alphabetic"),
            "LETTER" => named("L"),
            "IDEOGRAPHIC" => named("Ideographic"),
            "LOWERCASE" => named("Lowercase"),
            "UPPERCASE" => named("Uppercase"),
            "TITLECASE" => named("Lt"),
            "WHITESPACE" => named("White_Space"),
            "CONTROL" => named("Cc"),
            "PUNCTUATION" => named("P"),
            "HEXDIGIT" => named("Hex_Digit"),
            "ASSIGNED" => negated(named("Cn")),
            "NONCHARACTERCODEPOINT" => named("Noncharacter_Code_Point"),
            "DIGIT" => named("Nd"),
            "ALNUM" => union(named("Alphabetic"), &named("Nd")),
            "BLANK" => union(named("Zs"), &range('\t', '\t')),
            "GRAPH" => graph(),
            "PRINT" => minus(
                union(graph(), &union(named("Zs"), &range('\t', '\t'))),
                &named("Cc"),
            ),
            "WORD" => escape(r"\w"),
            "JOINCONTROL" => named("Join_Control"),
            "EMOJI" => named("Emoji"),
            "EMOJIPRESENTATION" => named("Emoji_Presentation"),
            "EMOJIMODIFIER" => named("Emoji_Modifier"),
            "EMOJIMODIFIERBASE" => named("Emoji_Modifier_Base"),
            "EMOJICOMPONENT" => named("Emoji_Component"),
            "EXTENDEDPICTOGRAPHIC" => named("Extended_Pictographic"),
            _ => return None,
        },
    )
}

fn script(name: &str) -> Option<ClassUnicode> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !plain {
        None
    } else {
        known(&format!(r"\p{{Script={name}}}"))
    }
}

fn block(name: &str) -> Option<ClassUnicode> {
    let name: String = name
        .chars()
        .filter(|c| !" _-".contains(*c))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let name = match name.as_str() {
        "GREEK" => "GREEKANDCOPTIC",
        "CYRILLICSUPPLEMENTARY" => "CYRILLICSUPPLEMENT",
        "COMBININGMARKSFORSYMBOLS" => "COMBININGDIACRITICALMARKSFORSYMBOLS",
        name => name,
    };
    let at = BLOCKS.binary_search_by_key(&name, |(name, ..)| name).ok()?;
    let (_, start, end) = BLOCKS[at];
    // Surrogates have no characters of their own.
    Some(range(char::from_u32(start)?, char::from_u32(end)?))
}

/// `\p{name}`.
pub(super) fn property(name: &str, flags: Flags) -> Result<ClassUnicode, Refused> {
    let case = |lower_or_upper: bool, set: ClassUnicode| {
        if flags.ignore_case && lower_or_upper {
            cased()
        } else {
            set
        }
    };
    let is_case = |name: &str| {
        [
            "Lower",
            "Upper",
            "Lu",
            "Ll",
            "Lt",
            "javaLowerCase",
            "javaUpperCase",
            "javaTitleCase",
        ]
        .contains(&name)
            || ["lowercase", "uppercase", "titlecase"]
                .iter()
                .any(|case| name.eq_ignore_ascii_case(case))
    };
    let found = if let Some((key, value)) = name.split_once('=') {
        match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "blk" | "block" => block(value),
            "gc" | "general_category" => category(value).map(|set| case(is_case(value), set)),
            _ => None,
        }
    } else if let Some(value) = name.strip_prefix("In") {
        block(value)
    } else if let Some(value) = name.strip_prefix("Is") {
        binary(value)
            .or_else(|| category(value))
            .map(|set| case(is_case(value), set))
            .or_else(|| script(value))
    } else if let Some(value) = name.strip_prefix("java") {
        java(value).map(|set| case(is_case(name), set))
    } else {
        posix(name, flags.unicode_classes)
            .or_else(|| category(name))
            .map(|set| case(is_case(name), set))
    };
    match found {
        Some(set) => Ok(set),
        None => syntax(format!("unknown character property `{name}`")),
    }
}
