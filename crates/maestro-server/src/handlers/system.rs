//! Health, metrics, and the description of the API.

use hyper::StatusCode;
use maestro_engine::Health;

use crate::answer::{Answer, Fault, JSON};
use crate::call::Call;
use crate::openapi;

/// What OpenMetrics readers expect.
pub(crate) const METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// A page for people.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// E68.
pub(crate) fn actuator_health(call: &Call) -> Result<Answer, Fault> {
    let is_up = call.engine().health() == Health::Up;
    let status = if is_up { "UP" } else { "DOWN" };
    Ok(health_answer(is_up, status))
}

/// Ours: tells a store that takes no commits from a server that is down.
pub(crate) fn health(call: &Call) -> Result<Answer, Fault> {
    Ok(match call.engine().health() {
        Health::Up => health_answer(true, "up"),
        Health::StoreAway => health_answer(false, "degraded"),
        Health::Down => health_answer(false, "down"),
    })
}

fn health_answer(is_up: bool, status: &str) -> Answer {
    let answer = Answer::text(JSON, format!(r#"{{"status":"{status}"}}"#));
    if is_up {
        answer
    } else {
        answer.with_status(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// E69.
pub(crate) fn actuator(_: &Call) -> Result<Answer, Fault> {
    const LINKS: &str = r#"{"_links":{"self":{"href":"/actuator","templated":false},"health":{"href":"/actuator/health","templated":false},"health-path":{"href":"/actuator/health/{*path}","templated":true}}}"#;
    Ok(Answer::text(JSON, LINKS))
}

/// What was counted.
pub(crate) fn metrics(call: &Call) -> Result<Answer, Fault> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &call.state.registry)
        .map_err(|_| Fault::Unhandled)?;
    Ok(Answer::text(METRICS, text))
}

/// The API as OpenAPI 3.1.
pub(crate) fn openapi(call: &Call) -> Result<Answer, Fault> {
    let document = openapi::of_table(&call.state.table);
    Ok(Answer::text(JSON, document.to_string()))
}

/// The page that shows it.
pub(crate) fn docs(_: &Call) -> Result<Answer, Fault> {
    Ok(Answer::text(HTML, include_str!("../docs.html")))
}
