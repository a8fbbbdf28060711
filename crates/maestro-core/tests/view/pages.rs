//! Pages of instances, runs and versions.

use maestro_core::view::{IdRange, Page, PageFault, PageRequest, Walk};
use maestro_model::codec::to_text;
use maestro_model::json::{Json, ToJson, Writer};
use proptest::prelude::*;

use crate::golden::{Golden, differences};

/// An element with nothing but a number at a path of names.
struct Element(&'static [&'static str], i64);

impl ToJson for Element {
    fn write(&self, out: &mut Writer) {
        match self.0 {
            [] => self.1.write(out),
            [name, rest @ ..] => out.object(|o| o.always(name, &Element(rest, self.1))),
        }
    }
}

fn request(call: &str) -> PageRequest {
    let (mut first, mut last, mut cursor) = (None, None, None);
    for pair in call.split_once('?').expect("a query").1.split('&') {
        let (name, value) = pair.split_once('=').expect("a pair");
        match name {
            "first" => first = value.parse().ok(),
            "last" => last = value.parse().ok(),
            "cursor" => cursor = value.parse().ok(),
            _ => {}
        }
    }
    PageRequest {
        walk: Walk::new(first, last).expect("a recorded walk"),
        cursor,
    }
}

fn instances(all: Option<IdRange>, request: PageRequest) -> Page<Element> {
    let shown = all.and_then(|all| request.ids(all));
    let ids = shown.into_iter().flat_map(|shown| shown.low..=shown.high);
    let element = |id| Element(&["workflow_instance_id"], id);
    Page::new(all, shown, ids.map(element).collect())
}

/// Compares all recorded pages whose call contains `call`.
fn check(name: &str, call: &str, page: impl Fn(PageRequest) -> Page<Element>) {
    let golden = Golden::load(name);
    let mut compared = 0;
    for (made, want) in golden.bodies().filter(|(made, _)| made.contains(call)) {
        // Errors have no pages.
        if want
            .as_object()
            .is_none_or(|want| want.get("/page_info").is_none())
        {
            continue;
        }
        let got = to_text(&page(request(made)));
        let rows = differences(want, &Json::parse(got.as_bytes()).expect("JSON"), &[]);
        assert!(rows.is_empty(), "{name} {made}:\n  {}", rows.join("\n  "));
        compared += 1;
    }
    assert!(compared >= 5, "{name}: {compared}");
}

#[test]
fn pages_of_instances_are_as_recorded() {
    // [05:60] [04:34]
    let upto = |high| move |request| instances(Some(IdRange { low: 1, high }), request);
    check("rest/rest-instances-forward", "/instances?", upto(7));
    check("rest/rest-instances-backward", "/instances?", upto(5));
    check(
        "lifecycle/lifecycle-instances-paging",
        "/instances?",
        upto(5),
    );
}

#[test]
fn pages_of_runs_are_as_recorded() {
    // [05:60]
    check(
        "lifecycle/lifecycle-runs-paging",
        "/instances/1/runs?",
        |request| {
            let all = IdRange { low: 1, high: 4 };
            let shown = request.ids(all);
            let ids = shown
                .into_iter()
                .flat_map(|shown| (shown.low..=shown.high).rev());
            let element = |id| Element(&["workflow_run_id"], id);
            Page::new(Some(all), shown, ids.map(element).collect())
        },
    );
}

#[test]
fn pages_of_versions_are_as_recorded() {
    // [04:35]
    let page = |request: PageRequest| {
        let all = Some(IdRange { low: 1, high: 6 });
        let shown = request.versions(6);
        let ids = shown
            .into_iter()
            .flat_map(|shown| (shown.low..=shown.high).rev());
        let element = |id| Element(&["metadata", "workflow_version_id"], id);
        Page::new(all, shown, ids.map(element).collect())
    };
    check("rest/rest-versions-forward", "/pagination?", page);
    check("rest/rest-versions-backward", "/pagination?", page);
}

#[test]
fn nothing_at_all_is_an_empty_page() {
    // [04:32]
    let request = PageRequest {
        walk: Walk::First(10),
        cursor: None,
    };
    assert_eq!(
        to_text(&instances(None, request)),
        r#"{"page_info":{"start_cursor":null,"end_cursor":null,"has_previous_page":false,"has_next_page":false,"start_index":null},"total_count":0,"elements":[]}"#
    );
}

#[test]
fn exactly_one_direction_within_bounds_is_asked_for() {
    // [05:60] [04:33]
    assert_eq!(Walk::new(None, None), Err(PageFault::NotOneOf));
    assert_eq!(Walk::new(Some(1), Some(1)), Err(PageFault::NotOneOf));
    for n in [0, 201, -1, i64::MAX, i64::MIN] {
        assert!(
            matches!(Walk::new(Some(n), None), Err(PageFault::OutOfRange { .. })),
            "{n}"
        );
        assert!(
            matches!(Walk::new(None, Some(n)), Err(PageFault::OutOfRange { .. })),
            "{n}"
        );
    }
    assert_eq!(Walk::new(Some(200), None), Ok(Walk::First(200)));
    assert_eq!(Walk::new(None, Some(1)), Ok(Walk::Last(1)));
}

proptest! {
    #[test]
    fn walking_forward_meets_every_id_once(low in 1_i64..50, count in 1_i64..300, n in 1_i64..=200) {
        let all = IdRange { low, high: low + count - 1 };
        for versions in [false, true] {
            let all = if versions { IdRange { low: 1, ..all } } else { all };
            let (mut cursor, mut met) = (None, Vec::new());
            loop {
                let request = PageRequest { walk: Walk::First(n), cursor };
                let page = if versions { request.versions(all.high) } else { request.ids(all) };
                let Some(page) = page else { break };
                prop_assert!(page.high - page.low < n);
                met.extend((page.low..=page.high).rev());
                cursor = Some(page.low);
            }
            prop_assert_eq!(met, (all.low..=all.high).rev().collect::<Vec<_>>());
        }
    }

    #[test]
    fn walking_backward_meets_every_id_in_order(low in 1_i64..50, count in 1_i64..300, n in 1_i64..=200) {
        let all = IdRange { low, high: low + count - 1 };
        let (mut cursor, mut met) = (None, Vec::new());
        while met.last() != Some(&all.high) {
            let request = PageRequest { walk: Walk::Last(n), cursor };
            let page = request.ids(all).expect("not at the end yet");
            prop_assert!(page.high - page.low < n);
            met.extend(page.low..=page.high);
            cursor = Some(page.high);
        }
        prop_assert_eq!(met, (all.low..=all.high).collect::<Vec<_>>());
        // The end comes again (spec 04 P-4).
        let beyond = PageRequest { walk: Walk::Last(n), cursor };
        prop_assert_eq!(beyond.ids(all), Some(IdRange { low: all.high, high: all.high }));
    }

    #[test]
    fn no_cursor_leads_out_of_what_exists(
        low in 1_i64..=i64::MAX, more in 0_i64..1000, n in 1_i64..=200, last: bool, cursor: Option<i64>,
    ) {
        let all = IdRange { low, high: low.saturating_add(more) };
        let walk = if last { Walk::Last(n) } else { Walk::First(n) };
        let request = PageRequest { walk, cursor };
        for (page, all) in [(request.ids(all), all), (request.versions(all.high), IdRange { low: 1, ..all })] {
            if let Some(page) = page {
                prop_assert!(all.low <= page.low && page.low <= page.high && page.high <= all.high);
                prop_assert!(page.high - page.low < n);
            }
            let text = to_text(&Page::<Element>::new(Some(all), page, Vec::new()));
            prop_assert!(Json::parse(text.as_bytes()).is_ok());
        }
    }
}
