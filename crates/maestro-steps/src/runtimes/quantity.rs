//! Quantities as Kubernetes writes them: `500m`, `2`, `1.5Gi`, `1e9`.

use maestro_model::decimal::Decimal;

/// The quantity in whole units, rounded up; `None` for text that is none, or more than 64 bits hold.
pub(super) fn parse(text: &str) -> Option<u64> {
    let number_end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(number_end);
    let (factor, exponent) = match suffix {
        "" => (1.0, ""),
        "n" => (1e-9, ""),
        "u" => (1e-6, ""),
        "m" => (1e-3, ""),
        "k" => (1e3, ""),
        "M" => (1e6, ""),
        "G" => (1e9, ""),
        "T" => (1e12, ""),
        "P" => (1e15, ""),
        "E" => (1e18, ""),
        "Ki" => (2f64.powi(10), ""),
        "Mi" => (2f64.powi(20), ""),
        "Gi" => (2f64.powi(30), ""),
        "Ti" => (2f64.powi(40), ""),
        "Pi" => (2f64.powi(50), ""),
        "Ei" => (2f64.powi(60), ""),
        exponent if exponent.starts_with(['e', 'E']) => (1.0, exponent),
        _ => return None,
    };
    let value = Decimal::parse(&format!("{number}{exponent}"))?.to_f64() * factor;
    let value = value.ceil();
    // Beyond 2^63 no limit means anything; below it the conversion is exact enough.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    (0.0..9.0e18).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn quantities_are_read_as_kubernetes_does() {
        for (text, value) in [
            ("0", Some(0)),
            ("128974848", Some(128_974_848)),
            ("129e6", Some(129_000_000)),
            ("129M", Some(129_000_000)),
            ("123Mi", Some(128_974_848)),
            ("1.5Gi", Some(1_610_612_736)),
            ("500m", Some(1)),
            ("2", Some(2)),
            ("", None),
            ("Mi", None),
            ("1X", None),
            ("-1", None),
            ("1 Gi", None),
            ("100E", None),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }
}
