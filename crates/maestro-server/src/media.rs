//! `Content-Type` and `Accept` (spec 04 H-1, H-2).

use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderName};

/// Whether the body has this type; parameters do not matter.
pub(crate) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        return false;
    };
    let Ok(text) = header.to_str() else {
        return false;
    };
    // A comma makes it a list of types.
    split(text, ',').count() == 1
        && split(text, ';')
            .next()
            .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}

/// What a client wants to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Acceptance {
    Json,
    Other,
    /// The header does not parse.
    Malformed,
}

/// Whether JSON is acceptable; `q` is not weighed.
pub(crate) fn acceptance(headers: &HeaderMap) -> Acceptance {
    let mut is_given = false;
    let mut is_json = false;
    for text in texts(headers, &ACCEPT) {
        let Some(text) = text else {
            return Acceptance::Malformed;
        };
        for range in split(text, ',').map(str::trim).filter(|r| !r.is_empty()) {
            is_given = true;
            let Some(accepts) = accepts_json(range) else {
                return Acceptance::Malformed;
            };
            is_json |= accepts;
        }
    }
    if is_json || !is_given {
        Acceptance::Json
    } else {
        Acceptance::Other
    }
}

fn texts<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'a str>> + use<'a> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().ok())
}

/// `None` if it is no media range.
fn accepts_json(range: &str) -> Option<bool> {
    let mut parts = split(range, ';');
    let essence = parts.next().unwrap_or_default().trim();
    for parameter in parts.map(str::trim).filter(|p| !p.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        let is_quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        if !is_token(name.trim()) || !(is_quoted || is_token(value.trim())) {
            return None;
        }
        if name.trim().eq_ignore_ascii_case("q") {
            let quality: f64 = value.trim().parse().ok()?;
            if !(0.0..=1.0).contains(&quality) {
                return None;
            }
        }
    }
    if essence == "*" {
        return Some(true);
    }
    let (ty, subtype) = essence.split_once('/')?;
    if !is_token(ty) || !is_token(subtype) || ty == "*" && subtype != "*" {
        return None;
    }
    let is = |ours: &str| subtype.eq_ignore_ascii_case(ours);
    Some(
        ty == "*"
            || ty.eq_ignore_ascii_case("application") && (is("*") || is("json") || is("*+json")),
    )
}

fn is_token(text: &str) -> bool {
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Splits outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, text: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, text.parse().expect("a header"))])
    }

    #[test]
    fn content_types_are_exact_but_for_case_and_parameters() {
        for (text, is_json) in [
            ("application/json", true),
            ("Application/JSON; Charset=UTF-8", true),
            ("text/json", false),
            ("application/problem+json", false),
            ("*/*", false),
            ("application/json, text/plain", false),
            ("", false),
        ] {
            let found = is_of_type(&headers(CONTENT_TYPE, text), "application/json");
            assert_eq!(found, is_json, "{text}");
        }
        assert!(!is_of_type(&HeaderMap::new(), "application/json"));
    }

    // [04:61]
    #[test]
    fn json_is_acceptable_where_a_range_holds_it() {
        use Acceptance::{Json, Malformed, Other};
        for (text, found) in [
            ("", Json),
            ("*/*", Json),
            ("application/*", Json),
            ("APPLICATION/Json;q=0", Json),
            ("application/*+json", Json),
            ("text/csv, application/json;q=0.3", Json),
            ("application/xml", Other),
            ("application/problem+json", Other),
            ("text/html", Other),
            ("text", Malformed),
            ("*/json", Malformed),
            ("application/json;q=7", Malformed),
        ] {
            assert_eq!(acceptance(&headers(ACCEPT, text)), found, "{text}");
        }
        assert_eq!(acceptance(&HeaderMap::new()), Json);
    }
}
