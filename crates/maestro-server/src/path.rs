//! Paths (spec 04 H-6): cut and decoded segment by segment, before anything is matched.

/// A path that no URI may have, or that holds an escape that is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadPath {
    #[error("the path holds a character that must be percent-encoded")]
    Character,
    #[error("the path holds a percent sign without two hexadecimal digits")]
    Escape,
    #[error("the path holds an encoded slash, backslash or NUL, which no id may have")]
    Refused,
    #[error("the escapes of the path are not UTF-8")]
    NotUtf8,
}

/// Signal names are the only ones with slashes (spec 08 SG-18).
const WITH_SLASHES: &str = "/api/v3/signals/";

/// The decoded segments of a path; `None` if it holds an empty segment, `.` or `..`, which match no route.
pub(crate) fn segments(raw: &str) -> Result<Option<Vec<String>>, BadPath> {
    let Some(rest) = raw.strip_prefix('/') else {
        return Ok(None);
    };
    let allow_slash = raw.starts_with(WITH_SLASHES);
    let mut found = Vec::with_capacity(12);
    let mut matches = true;
    for segment in rest.split('/') {
        let decoded = decode(segment, allow_slash)?;
        // `;name=value` after a segment means nothing here.
        let bare = segment.split(';').next().unwrap_or_default();
        matches &= !matches!(bare, "" | "." | "..");
        found.push(decoded);
    }
    Ok(matches.then_some(found))
}

fn decode(segment: &str, allow_slash: bool) -> Result<String, BadPath> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut is_parameter = false;
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
                    return Err(BadPath::Escape);
                };
                let byte = u8::try_from(high * 16 + low).map_err(|_| BadPath::Escape)?;
                if matches!(byte, b'\\' | 0) || byte == b'/' && !allow_slash {
                    return Err(BadPath::Refused);
                }
                byte
            }
            b';' => {
                is_parameter = true;
                continue;
            }
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'[' | b']' => {
                return Err(BadPath::Character);
            }
            0..=b' ' | 0x7f.. => return Err(BadPath::Character),
            other => other,
        };
        if !is_parameter {
            bytes.push(decoded);
        }
    }
    String::from_utf8(bytes).map_err(|_| BadPath::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(raw: &str) -> Option<Vec<String>> {
        segments(raw).expect("a good path")
    }

    // [04:64]
    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(ok("/a%2D1/b").expect("matches"), ["a-1", "b"]);
        assert_eq!(ok("/a%252D1").expect("matches"), ["a%2D1"]);
        assert_eq!(ok("/x%20y/a+b").expect("matches"), ["x y", "a+b"]);
        assert_eq!(ok("/w;v=1/x").expect("matches"), ["w", "x"]);
    }

    #[test]
    fn empty_and_dotted_segments_match_nothing() {
        for raw in ["/", "/a/", "//a", "/a//b", "/./a", "/a/..", "*", "/;x=1"] {
            assert_eq!(ok(raw), None, "{raw}");
        }
    }

    // [04:64]
    #[test]
    fn escapes_that_no_id_may_have_are_refused() {
        for raw in ["/a%2Fb", "/a%2fb", "/a%5Cb", "/a%00"] {
            assert_eq!(segments(raw), Err(BadPath::Refused), "{raw}");
        }
        for raw in ["/a%", "/a%4", "/a%zz"] {
            assert_eq!(segments(raw), Err(BadPath::Escape), "{raw}");
        }
        assert_eq!(segments("/%ff"), Err(BadPath::NotUtf8));
        assert_eq!(segments("/a|b"), Err(BadPath::Character));
        assert_eq!(segments("/ñ"), Err(BadPath::Character));
        let signal = ok("/api/v3/signals/a%2Fb/instances/1").expect("matches");
        assert_eq!(signal[3], "a/b");
    }
}
