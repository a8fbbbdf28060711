//! The two grammars of numbers in paths and queries (spec 04 H-7).

/// A number of a path variable or query parameter: white space anywhere is dropped, an optional sign, then decimal or
/// hexadecimal digits.
pub(crate) fn lenient(text: &str) -> Option<i64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let hexadecimal = ["0x", "0X", "#"]
        .iter()
        .find_map(|prefix| digits.strip_prefix(prefix));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    // A second sign is no digit.
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// A number that a handler reads from a text: an optional sign and decimal digits.
pub(crate) fn strict(text: &str) -> Option<i64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_numbers_are_lenient() {
        for (text, number) in [
            ("7", 7),
            ("0007", 7),
            ("+7", 7),
            ("-5", -5),
            (" 1 2 ", 12),
            ("0x1F", 31),
            ("#ff", 255),
            ("-0X10", -16),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(lenient(text), Some(number), "{text}");
        }
        for text in [
            "",
            "-",
            "abc",
            "1.0",
            "1e3",
            "1L",
            "--1",
            "-+1",
            "0x",
            "9223372036854775808",
        ] {
            assert_eq!(lenient(text), None, "{text}");
        }
    }

    // [04:70] [04:30]
    #[test]
    fn texts_are_strict() {
        assert_eq!(strict("0012"), Some(12));
        assert_eq!(strict("+12"), Some(12));
        for text in ["", " 12", "0xA", "1e1", "12 "] {
            assert_eq!(strict(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_is_read_and_nothing_panics(number: i64, text: String) {
            proptest::prop_assert_eq!(lenient(&number.to_string()), Some(number));
            proptest::prop_assert_eq!(strict(&number.to_string()), Some(number));
            let _ = (lenient(&text), strict(&text));
        }
    }
}
