//! What protects a server that believes every caller (decision 6): a web page that somebody looks at must not reach it,
//! neither through a name of its own that resolves to this machine nor by a request that the browser sends for it.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method, Uri};

/// Why a request is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "this server listens on the loopback address only and does not answer to the host [{0}]; call it as localhost"
    )]
    Host(String),
    #[error("requests that change something are not taken from the web site [{0}]")]
    Origin(String),
}

/// Looks at where a request says that it goes to and comes from.
pub(crate) fn check(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    is_loopback: bool,
    allowed_origins: &[String],
) -> Result<(), Refused> {
    let host = headers
        .get(HOST)
        .map(|host| String::from_utf8_lossy(host.as_bytes()));
    if is_loopback {
        let target = uri.authority().map(Authority::as_str);
        for host in host.as_deref().into_iter().chain(target) {
            if !is_loopback_name(host) {
                return Err(Refused::Host(host.to_owned()));
            }
        }
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let (_, from) = origin.split_once("://").unwrap_or_default();
    let is_own = !from.is_empty()
        && host
            .as_deref()
            .is_some_and(|host| host.eq_ignore_ascii_case(from));
    if is_own || allowed_origins.iter().any(|allowed| *allowed == *origin) {
        Ok(())
    } else {
        Err(Refused::Origin(origin.into_owned()))
    }
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bracketed = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
    match bracketed {
        Some(inner) => inner
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || name
                    .parse::<Ipv4Addr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_are_few() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.9.8.7:1",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "[::2]",
            "",
            "128.0.0.1",
        ] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }

    #[test]
    fn only_own_and_allowed_sites_may_change_something() {
        let check = |method: &Method, origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "localhost:8080".parse().expect("a header"));
            headers.insert(ORIGIN, origin.parse().expect("a header"));
            let allowed = ["https://ui.example".to_owned()];
            check(method, &Uri::from_static("/"), &headers, true, &allowed).is_ok()
        };
        assert!(check(&Method::POST, "http://localhost:8080"));
        assert!(check(&Method::POST, "https://ui.example"));
        assert!(check(&Method::GET, "http://evil.example"));
        for origin in ["http://evil.example", "null", "http://localhost:9", ""] {
            assert!(!check(&Method::DELETE, origin), "{origin}");
        }
    }
}
