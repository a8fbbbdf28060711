//! The text of a double (spec 02 T-5).

/// Java's text of a double: the shortest digits that read back, plain from 10^-3 up to 10^7, else scientific.
pub fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "Infinity".into()
        } else {
            "-Infinity".into()
        };
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}E{exponent}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::double_text;
    use proptest::prelude::*;

    #[test]
    fn text_is_plain_in_the_middle_and_scientific_outside() {
        for (value, text) in [
            (2.0, "2.0"),
            (0.001, "0.001"),
            (1_234_567.0, "1234567.0"),
            (9_999_999.999, "9999999.999"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e7, "1.0E7"),
            (1.5e-4, "1.5E-4"),
            (0.000_999, "9.99E-4"),
            (-1.25e300, "-1.25E300"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_text(value), text);
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(value in proptest::num::f64::ANY.prop_filter("finite", |v| v.is_finite())) {
            prop_assert_eq!(double_text(value).parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
    }
}
