//! Kinds of values: from the text of any source to a field, and back.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::LocalJobs;

/// A kind of values, as it is shown to people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// `auto`, `true` or `false`.
    Switch,
    /// A whole number.
    Count,
    /// A number of bytes, with an optional unit.
    Bytes,
    /// A span of time with its unit.
    Duration,
    /// A text.
    Text,
    /// A path.
    Path,
    /// An address with its port.
    Address,
    /// Texts.
    Texts,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Bool => "true or false",
            Kind::Switch => "auto, true or false",
            Kind::Count => "number",
            Kind::Bytes => "bytes",
            Kind::Duration => "time",
            Kind::Text => "text",
            Kind::Path => "path",
            Kind::Address => "address and port",
            Kind::Texts => "list of texts",
        })
    }
}

/// What would have been right: the end of "`x` is not ...".
pub(super) type Expected = String;

pub(super) fn bool(text: &str) -> Result<bool, Expected> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

pub(super) fn switch(text: &str) -> Result<LocalJobs, Expected> {
    if text.trim().eq_ignore_ascii_case("auto") {
        return Ok(LocalJobs::Auto);
    }
    bool(text)
        .map(|on| if on { LocalJobs::On } else { LocalJobs::Off })
        .map_err(|_| "auto, true or false".to_owned())
}

pub(super) fn show_switch(value: LocalJobs) -> String {
    match value {
        LocalJobs::Auto => "auto",
        LocalJobs::On => "true",
        LocalJobs::Off => "false",
    }
    .to_owned()
}

/// A whole number from `min` to `max`; digits may be grouped by `_`.
pub(super) fn count<T: TryFrom<u64>>(text: &str, min: u64, max: u64) -> Result<T, Expected> {
    text.trim()
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .filter(|n| (min..=max).contains(n))
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| match max {
            u64::MAX => format!("a whole number of at least {min}"),
            max => format!("a whole number from {min} to {max}"),
        })
}

const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
];

/// A number of bytes: `65536`, `64 KiB`, `1GB`.
pub(super) fn bytes<T: TryFrom<u64>>(text: &str, min: u64, max: u64) -> Result<T, Expected> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let unit = text[digits..].trim().to_ascii_lowercase();
    let number = text[..digits].replace('_', "").parse::<u64>().ok();
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, factor)| number?.checked_mul(*factor))
        .filter(|n| (min..=max).contains(n))
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| {
            let range = match max {
                u64::MAX => format!("at least {}", show_bytes(min)),
                max => format!("{} to {}", show_bytes(min), show_bytes(max)),
            };
            format!("a number of bytes such as `65536`, `64KiB` or `1GiB` ({range})")
        })
}

/// In the largest unit that divides it.
pub(super) fn show_bytes(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

/// A span of time: `100ms`, `30s`, `2min`, `1h`.
pub(super) fn duration(text: &str, min: Duration) -> Result<Duration, Expected> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number = text[..digits].parse::<u64>().ok();
    let factor = match text[digits..].trim() {
        "ms" => Some(1),
        "s" => Some(1000),
        "min" | "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .map(Duration::from_millis)
        .filter(|span| *span >= min)
        .ok_or_else(|| {
            format!(
                "a time with its unit such as `500ms`, `30s`, `2min` or `1h` (at least {})",
                show_duration(min)
            )
        })
}

pub(super) fn show_duration(span: Duration) -> String {
    let ms = span.as_millis();
    for (unit, factor) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("min", 60_000),
        ("s", 1000),
    ] {
        if ms > 0 && ms.is_multiple_of(factor) {
            return format!("{}{unit}", ms / factor);
        }
    }
    format!("{ms}ms")
}

/// An address with its port; `localhost` is the loopback address.
pub(super) fn address(text: &str) -> Result<SocketAddr, Expected> {
    let text = text.trim();
    let address = match text.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
            .ok(),
        None => text.parse().ok(),
    };
    address.ok_or_else(|| {
        "an IP address with a port such as `127.0.0.1:8080` or `[::1]:8080`".to_owned()
    })
}

/// Texts separated by commas.
pub(super) fn texts(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A size of a database page.
pub(super) fn page(text: &str) -> Result<u32, Expected> {
    bytes::<u32>(text, 512, 65_536)
        .ok()
        .filter(|n| n.is_power_of_two())
        .ok_or_else(|| "a power of two from 512 to 64KiB".to_owned())
}

/// A number of bytes, or `none`.
pub(super) fn optional_bytes(text: &str) -> Result<Option<u64>, Expected> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    bytes(text, 1 << 20, u64::MAX)
        .map(Some)
        .map_err(|expected| format!("`none` or {expected}"))
}

/// A text that is not empty.
pub(super) fn text(text: &str) -> Result<String, Expected> {
    if text.trim().is_empty() {
        return Err("a text".to_owned());
    }
    Ok(text.to_owned())
}
