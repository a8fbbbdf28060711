//! Methods of LONG, DOUBLE and `Math` (spec 03 9.2, 9.3, 9.7).

use astro_float::{BigFloat, Consts, RoundingMode, Sign};

use super::{cast, no_method};
use crate::{
    error::ErrorKind,
    eval::{Eval, Result, fail},
    names::Member,
    text::{double_text, parse_double, parse_long, round_to_double},
    value::{Text, Val, show_cut},
};

pub(super) fn parse_long_text(text: Option<&Text>) -> Result<i64> {
    let Some(text) = text else {
        return fail(
            ErrorKind::NumFmt,
            "a STRING without content is not a number",
        );
    };
    match parse_long(text) {
        Some(number) => Ok(number),
        None => fail(
            ErrorKind::NumFmt,
            format!("For input string: \"{}\" is not a LONG", show_cut(text)),
        ),
    }
}

pub(super) fn long_of(text: Option<&Text>) -> Result<Val> {
    parse_long_text(text).map(Val::Long)
}

pub(super) fn double_of(text: Option<&Text>) -> Result<Val> {
    let Some(text) = text else {
        return fail(ErrorKind::NullP, "a STRING without content is not a number");
    };
    match parse_double(text) {
        Some(number) => Ok(Val::Double(number)),
        None => fail(
            ErrorKind::NumFmt,
            format!("For input string: \"{}\" is not a DOUBLE", show_cut(text)),
        ),
    }
}

impl Eval<'_> {
    pub(super) fn long_method(
        number: i64,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        match (method, args) {
            (Member::ToString, []) => Ok(Val::text(number.to_string().as_str())),
            (Member::ToString, [Val::Long(other)]) => Ok(Val::text(other.to_string().as_str())),
            (Member::ToString, [other]) => cast("LONG", other),
            (Member::ValueOf, [Val::Str(text)]) | (Member::ParseLong, [Val::Str(text)]) => {
                long_of(text.as_ref())
            }
            (Member::ValueOf, [Val::Long(other)]) => Ok(Val::Long(*other)),
            (Member::ParseLong, [other]) => cast("STRING", other),
            (Member::IntValue, []) => Ok(Val::Long(number)),
            _ => Err(no_method(&Val::Long(number), name, args)),
        }
    }

    pub(super) fn double_method(
        number: f64,
        method: Member,
        name: &str,
        args: &[Val],
    ) -> Result<Val> {
        match (method, args) {
            (Member::ToString, []) => Ok(Val::text(double_text(number).as_str())),
            (Member::ToString, [Val::Double(other)]) => Ok(Val::text(double_text(*other).as_str())),
            (Member::ToString, [other]) => cast("DOUBLE", other),
            (Member::ValueOf, [Val::Str(text)]) | (Member::DoubleValueOf, [Val::Str(text)]) => {
                double_of(text.as_ref())
            }
            (Member::ValueOf, [Val::Double(other)]) => Ok(Val::Double(*other)),
            (Member::DoubleValueOf, [other]) => cast("STRING", other),
            // `as` cuts toward zero, saturates, and makes 0 of NaN, as Java does.
            (Member::IntValue | Member::LongValue, []) => Ok(Val::Long(number as i64)),
            _ => Err(no_method(&Val::Double(number), name, args)),
        }
    }

    pub(super) fn math_method(&mut self, method: Member, name: &str, args: &[Val]) -> Result<Val> {
        match (method, args) {
            (Member::Min, [Val::Long(a), Val::Long(b)]) => Ok(Val::Long(*a.min(b))),
            (Member::Max, [Val::Long(a), Val::Long(b)]) => Ok(Val::Long(*a.max(b))),
            (Member::Min | Member::Max, [Val::Long(_), other] | [other, _]) => cast("LONG", other),
            (Member::Pow, [base, exponent]) => {
                let base = power_argument(base)?;
                let exponent = power_argument(exponent)?;
                // An exponent with a fraction takes the long way, a quarter of a millisecond.
                self.work(if exponent.fract() == 0.0 {
                    2_000
                } else {
                    250_000
                })?;
                Ok(Val::Double(power(base, exponent)))
            }
            (Member::Random, []) => Ok(Val::Double(
                (self.host.random_bits() >> 11) as f64 / (1_u64 << 53) as f64,
            )),
            _ => Err(no_method(&Val::Math, name, args)),
        }
    }
}

fn power_argument(value: &Val) -> Result<f64> {
    match value {
        Val::Long(number) => Ok(*number as f64),
        Val::Double(number) => Ok(*number),
        other if other.is_opaque() => fail(
            ErrorKind::Unsupp,
            format!("{} is not a number", other.type_name()),
        ),
        other if other.is_absent() => fail(
            ErrorKind::NullP,
            format!("{} has no content to be a number", other.type_name()),
        ),
        other => cast("a number", other),
    }
}

/// `Math.pow` of Java, correctly rounded.
#[allow(clippy::float_cmp, reason = "exact special cases")]
fn power(base: f64, exponent: f64) -> f64 {
    if exponent == 0.0 {
        return 1.0;
    }
    if base.abs() == 1.0 && (exponent.is_nan() || exponent.is_infinite()) {
        return f64::NAN;
    }
    let approximate = base.powf(exponent);
    // Zero, infinities and NaN follow rules that the platform's function knows as well. A finite overflow or underflow
    // by a hair goes the long way.
    let special = base == 0.0
        || !base.is_finite()
        || !exponent.is_finite()
        || approximate.is_nan()
        || base == 1.0;
    if special || exponent == 1.0 {
        return approximate;
    }
    // The logarithm tells a result that is far beyond the range, which no rounding can bring back.
    let size = base.abs().log2() * exponent;
    if !(-1100.0..1100.0).contains(&size) {
        return approximate;
    }
    let negative = approximate.is_sign_negative();
    let magnitude = integer_power(base.abs(), exponent)
        .or_else(|| exact_power(base.abs(), exponent))
        .unwrap_or(approximate.abs());
    if negative { -magnitude } else { magnitude }
}

/// The power of a number of few digits, exactly: the quick way for most programs, and for powers that end.
fn integer_power(base: f64, exponent: f64) -> Option<f64> {
    if exponent.fract() != 0.0 || exponent.abs() > 1100.0 {
        return None;
    }
    let exponent = exponent as i64;
    // base = odd * 2^shift
    let bits = base.to_bits();
    let (mut odd, mut shift) = (bits & ((1 << 52) - 1), (bits >> 52) as i64);
    if shift == 0 {
        shift = 1;
    } else {
        odd |= 1 << 52;
    }
    shift += i64::from(odd.trailing_zeros()) - 1075;
    odd >>= odd.trailing_zeros();
    if exponent < 0 && odd != 1 {
        return None;
    }
    let mut product = 1_u128;
    if odd != 1 {
        for _ in 0..exponent {
            product = product.checked_mul(u128::from(odd))?;
        }
    }
    let zeros = product.leading_zeros();
    let top = product << zeros;
    let scale = shift * exponent + 64 - i64::from(zeros);
    Some(round_to_double((top >> 64) as u64, top as u64 != 0, scale))
}

/// Widens the precision until the digits behind a double decide the rounding; powers that are exact stay undecided and
/// are what they seem to be.
fn exact_power(base: f64, exponent: f64) -> Option<f64> {
    let mut constants = Consts::new().ok()?;
    // With rounding switched on, the crate itself would widen without end for a power that is exact.
    for precision in [128, 256, 512] {
        let result = big_float(base, precision)?.pow(
            &big_float(exponent, precision)?,
            precision,
            RoundingMode::None,
            &mut constants,
        );
        let (words, _, sign, exponent, _) = result.as_raw_parts()?;
        if sign != Sign::Pos {
            return None;
        }
        // The value is 0.mantissa * 2^exponent, the most significant word last.
        let (top, rest) = words.split_last()?;
        let top = *top;
        // Is what lies below the double all zeros or all ones for so many bits that a longer result could change it?
        let second = rest.last().copied().unwrap_or(0);
        let undecided = matches!(second >> 16, 0 | 0xffff_ffff_ffff);
        if undecided && precision < 512 {
            continue;
        }
        // An exact result in the last round: what is left below is noise of the last bits only.
        let sticky = if precision == 512 {
            second >> 16 != 0 && second >> 16 != 0xffff_ffff_ffff
        } else {
            true
        };
        if precision == 512 && second >> 16 == 0xffff_ffff_ffff {
            let (bits, carry) = top.overflowing_add(1);
            let bits = if carry { 1 << 63 } else { bits };
            return Some(round_to_double(
                bits,
                false,
                i64::from(exponent) - 64 + i64::from(carry),
            ));
        }
        return Some(round_to_double(top, sticky, i64::from(exponent) - 64));
    }
    None
}

/// The crate reads subnormal numbers as half of what they are: they are scaled up before, and down again behind it.
fn big_float(number: f64, precision: usize) -> Option<BigFloat> {
    const SCALE: i32 = 60;
    if !number.is_subnormal() {
        return Some(BigFloat::from_f64(number, precision));
    }
    let mut big = BigFloat::from_f64(number * f64::from(SCALE).exp2(), precision);
    let exponent = big.exponent()?;
    big.set_exponent(exponent - SCALE);
    Some(big)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;

    #[test]
    fn powers_are_correctly_rounded() {
        // [03:493]
        assert_eq!(power(3.0, 34.0), 16_677_181_699_666_568.0);
        assert_eq!(power(20.0, 23.0), 8.388608e29);
        assert_eq!(power(2.0, 10.0), 1024.0);
        assert_eq!(power(2.0, -1074.0), 5e-324);
        assert_eq!(power(2.0, -1075.0), 0.0);
        assert_eq!(power(2.0, -1074.5), 5e-324);
        assert_eq!(power(2.0, 1024.0), f64::INFINITY);
        assert_eq!(power(-2.0, 3.0), -8.0);
        assert_eq!(power(4.0, 0.5), 2.0);
        assert_eq!(power(10.0, -2.0), 0.01);
        assert_eq!(power(10.0, 22.0), 1e22);
        assert_eq!(power(10.0, 300.0), 1e300);
        // Subnormal bases and exponents: 2^-537, and a hair below 2^-1074.
        assert_eq!(power(5e-324, 0.5), f64::from_bits(0x1e60_0000_0000_0000));
        assert_eq!(power(5e-324, 1.000_000_1), 5e-324);
        assert_eq!(power(2.0, 5e-324), 1.0);
    }

    #[test]
    fn special_powers_follow_java() {
        assert!(power(1.0, f64::NAN).is_nan());
        assert!(power(-1.0, f64::INFINITY).is_nan());
        assert_eq!(power(f64::NAN, 0.0), 1.0);
        assert_eq!(power(0.0, -1.0), f64::INFINITY);
        assert_eq!(power(-0.0, -3.0), f64::NEG_INFINITY);
        assert!(power(-8.0, 1.0 / 3.0).is_nan());
        assert_eq!(power(0.5, f64::INFINITY), 0.0);
    }

    #[test]
    fn exact_powers_agree_with_multiplication() {
        for base in 2..40_i64 {
            let mut product = 1_i128;
            for exponent in 1..20 {
                product *= i128::from(base);
                if product > 1 << 100 {
                    break;
                }
                assert_eq!(
                    power(base as f64, f64::from(exponent)),
                    product as f64,
                    "{base}^{exponent}"
                );
            }
        }
    }
}
