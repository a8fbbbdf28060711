//! Tests of cron texts, zones and jitter together.

use super::*;
use crate::codec;
use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;

fn schedule(cron: &str, zone: &str) -> Schedule {
    let trigger = TimeTrigger::Cron {
        cron: cron.into(),
        timezone: Some(zone.into()),
        fuzzy_max_delay: None,
    };
    Schedule::of(&trigger, "wf").expect("a valid trigger")
}

fn ms(time: &str) -> i64 {
    time.parse::<Timestamp>().expect("a time").as_millisecond()
}

/// The executions after a time, as local times with their offset in hours.
fn fires(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(cron, zone);
    let zone = TimeZone::get(if zone.is_empty() { "UTC" } else { zone }).expect("a zone");
    let mut at = ms(after);
    let next = || {
        at = schedule.next(at)?;
        let time = Timestamp::from_millisecond(at)
            .expect("in range")
            .to_zoned_datetime(zone.clone());
        Some(time.strftime("%Y-%m-%d %H:%M:%S%:::z").to_string())
    };
    std::iter::from_fn(next).take(count).collect()
}

fn parses(cron: &str) -> bool {
    Cron::parse(cron).is_ok()
}

// [01:76] [08:36,78] and the grammar of spec 08 section 6.2.
#[test]
fn cron_texts_follow_the_grammar_of_both_dialects() {
    for cron in [
        "*/2 * * * *",
        "*/1 * * * *",
        "0 0 12 1/1 * ? *",
        "  15   4 * * *",
        "15\t4 * * *",
        "0 0 30 2 *",
        "0 0 12 ? * 6-2",
        "0 0 12 * * ?",
        "0 0 12 ? * *",
        "0 0 * * SAT-SUN",
        "0 0 12 ? * SUN-MON",
        "0 0 12 ? * 2#6",
        "0 0 12 ? * MON#1",
        "0 0 12 ? * MONL",
        "0 0 12 ? * L",
        "0 0 12 L-3 * ?",
        "0 0 12 LW * ?",
        "0 0 12 15W,L * ?",
        "0 0 12 1 1 ? 2020",
        "0 0 12 1 1 ? 1970-2099/130",
        "0|30 6|18 * * *",
        "0 1 * * * || 30 2 * * *",
        "5,5,1 * * * *",
        "007 * * * *",
        "0 0 1 jan mon",
        "/5 * * * *",
        "1-59/59 * * * *",
        "0 0 * * 7",
        "0 5-1 12 * * ?",
    ] {
        assert!(parses(cron), "{cron}: {:?}", Cron::parse(cron));
    }
    for cron in [
        "",
        " ",
        "* * x y",
        "@daily",
        "0 25 * * *",
        "0 0 12 * * *",
        "0 3 * * 5-1",
        "0 0 * * SUN-MON",
        "*/60 * * * *",
        "*/0 * * * *",
        "0 0 12 ? * 2#8",
        "0 0 12 ? * FRI-MON/2",
        "0 0 12 ? * ?",
        "0 0 12 W * ?",
        "0 0 12 L-1W * ?",
        "0 0 12 ? * LW",
        "1,,2 * * * *",
        "1, * * * *",
        "* * * * * UTC",
        "-1 * * * *",
        "1.5 * * * *",
        "0 0 12 1 1 ? 1969",
        "0 0 12 1 1 ? 2100",
        "0 0 12 1 1 ? 2030-2020",
        "0|1 6|7|8 * * *",
        "0 0 1 JANUARY *",
        "+1 * * * *",
        "H * * * *",
        "0 0 12 ? * 0",
        "0 0 12 1 1 ? */131",
        "0 * * * * || 0 0 12 * * ?",
    ] {
        assert!(!parses(cron), "{cron}");
    }
}

// [08:37]
#[test]
fn the_quartz_fault_is_the_one_that_is_told() {
    let fault = Cron::parse("61 * * * *").expect_err("refused");
    assert!(
        fault.contains("6 or 7") && fault.contains("found 5"),
        "{fault}"
    );
}

// [08:38]
#[test]
fn two_restricted_day_fields_of_unix_mean_either() {
    assert_eq!(
        fires("0 0 13 * 5", "", "2026-02-12T00:00:00Z", 3),
        [
            "2026-02-13 00:00:00+00",
            "2026-02-20 00:00:00+00",
            "2026-02-27 00:00:00+00"
        ]
    );
    assert_eq!(
        fires("0 0 13 * 5", "", "2026-04-11T00:00:00Z", 1),
        ["2026-04-13 00:00:00+00"]
    );
    assert_eq!(
        fires("0 0 * * 1/2", "", "2026-01-03T12:00:00Z", 2),
        ["2026-01-04 00:00:00+00", "2026-01-05 00:00:00+00"]
    );
}

// [08:39]
#[test]
fn a_time_in_the_gap_is_skipped_that_day() {
    assert_eq!(
        fires(
            "30 2 * * *",
            "America/Los_Angeles",
            "2026-03-07T02:30:00-08:00",
            1
        ),
        ["2026-03-09 02:30:00-07"]
    );
}

// [08:40]
#[test]
fn a_daily_run_in_the_repeated_hour_runs_once_in_the_first_pass() {
    assert_eq!(
        fires(
            "30 1 * * *",
            "America/Los_Angeles",
            "2026-10-31T12:00:00-07:00",
            2
        ),
        ["2026-11-01 01:30:00-07", "2026-11-02 01:30:00-08"]
    );
}

// [08:41]
#[test]
fn an_hourly_run_runs_25_times_on_the_long_day() {
    let runs = fires(
        "0 * * * *",
        "America/Los_Angeles",
        "2026-10-31T23:00:00-07:00",
        26,
    );
    assert_eq!(
        runs.iter()
            .filter(|run| run.starts_with("2026-11-01"))
            .count(),
        25
    );
}

// [08:79]
#[test]
fn runs_within_the_repeated_hour_run_in_both_passes() {
    assert_eq!(
        fires(
            "0,30 1 * * *",
            "America/Los_Angeles",
            "2026-10-31T12:00:00-07:00",
            5
        ),
        [
            "2026-11-01 01:00:00-07",
            "2026-11-01 01:30:00-07",
            "2026-11-01 01:00:00-08",
            "2026-11-01 01:30:00-08",
            "2026-11-02 01:00:00-08"
        ]
    );
    assert_eq!(
        fires(
            "30 0,1 * * *",
            "America/Los_Angeles",
            "2026-10-31T12:00:00-07:00",
            3
        ),
        [
            "2026-11-01 00:30:00-07",
            "2026-11-01 01:30:00-07",
            "2026-11-02 00:30:00-08"
        ]
    );
}

// [08:76]
#[test]
fn weekdays_near_the_end_of_a_month() {
    let once = |cron: &str| fires(cron, "", "2026-01-01T00:00:00Z", 2);
    assert_eq!(once("0 0 9 30W 9 ? 2029"), ["2029-09-30 09:00:00+00"]);
    assert_eq!(once("0 0 9 LW 9 ? 2029"), ["2029-09-28 09:00:00+00"]);
    // 1 August 2026 is a Saturday, 31 May 2026 a Sunday, 15 February 2026 a Sunday.
    assert_eq!(once("0 0 0 1W 8 ? 2026"), ["2026-08-03 00:00:00+00"]);
    assert_eq!(once("0 0 0 15W 2 ? 2026"), ["2026-02-16 00:00:00+00"]);
    assert_eq!(
        once("0 0 0 L-1,L 2 ? 2027"),
        ["2027-02-27 00:00:00+00", "2027-02-28 00:00:00+00"]
    );
    assert_eq!(once("0 0 0 30W 2 ? 2027"), [""; 0]);
}

// [08:77]
#[test]
fn days_of_the_week_are_counted_and_united() {
    assert_eq!(
        fires("0 0 12 ? * 2#6", "", "2026-01-01T00:00:00Z", 1),
        [""; 0]
    );
    assert!(!parses("0 0 12 ? * 2#8") && !parses("0 0 12 ? * FRI-MON/2"));
    assert_eq!(
        fires("0 0 12 ? * 2#1,6L", "", "2026-01-01T00:00:00Z", 3),
        [
            "2026-01-05 12:00:00+00",
            "2026-01-30 12:00:00+00",
            "2026-02-02 12:00:00+00"
        ]
    );
    assert_eq!(
        fires("0 0 12 ? * 6-2", "", "2026-01-06T00:00:00Z", 4).len(),
        4
    );
}

// [08:80]
#[test]
fn alternatives_pair_by_position() {
    assert_eq!(
        fires("0|30 6|18 * * *", "", "2026-01-01T00:00:00Z", 3),
        [
            "2026-01-01 06:00:00+00",
            "2026-01-01 18:30:00+00",
            "2026-01-02 06:00:00+00"
        ]
    );
    assert_eq!(
        fires("0 1 * * * || 30 2 * * *", "", "2026-01-01T00:00:00Z", 2),
        ["2026-01-01 01:00:00+00", "2026-01-01 02:30:00+00"]
    );
}

// [R-20]
#[test]
fn a_nightly_run_keeps_its_hour_around_both_changes() {
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-03-27T00:00:00Z", 4),
        [
            "2026-03-27 02:30:00+01",
            "2026-03-28 02:30:00+01",
            "2026-03-30 02:30:00+02",
            "2026-03-31 02:30:00+02"
        ]
    );
    assert_eq!(
        fires("30 2 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z", 3),
        [
            "2026-10-24 02:30:00+02",
            "2026-10-25 02:30:00+02",
            "2026-10-26 02:30:00+01"
        ]
    );
}

// [R-21]
#[test]
fn a_repeated_hour_is_neither_lost_nor_fired_in_without_end() {
    assert_eq!(
        fires(
            "*/30 * * * *",
            "America/New_York",
            "2026-11-01T04:59:00Z",
            4
        ),
        [
            "2026-11-01 01:00:00-04",
            "2026-11-01 01:30:00-04",
            "2026-11-01 01:00:00-05",
            "2026-11-01 01:30:00-05"
        ]
    );
    assert_eq!(
        fires("0 */2 * * *", "America/New_York", "2026-11-01T03:59:00Z", 3),
        [
            "2026-11-01 00:00:00-04",
            "2026-11-01 02:00:00-05",
            "2026-11-01 04:00:00-05"
        ]
    );
}

#[test]
fn executions_are_strictly_after_and_end_with_the_years() {
    let hourly = schedule("0 * * * *", "UTC");
    assert_eq!(
        hourly.next(ms("2026-01-01T01:00:00Z")),
        Some(ms("2026-01-01T02:00:00Z"))
    );
    assert_eq!(
        hourly.next(ms("2026-01-01T01:00:00.999Z")),
        Some(ms("2026-01-01T02:00:00Z"))
    );
    assert_eq!(
        hourly.next(ms("2026-01-01T00:59:59.999Z")),
        Some(ms("2026-01-01T01:00:00Z"))
    );
    assert_eq!(schedule("0 0 30 2 *", "UTC").next(0), None);
    assert_eq!(
        schedule("0 0 12 1 1 ? 1999", "UTC").next(ms("2026-01-01T00:00:00Z")),
        None
    );
    assert_eq!(
        fires("0 0 29 2 *", "", "2097-01-01T00:00:00Z", 1),
        ["2104-02-29 00:00:00+00"]
    );
    assert_eq!(schedule("0 0 31 4,6 *", "UTC").next(0), None);
    let once = schedule("0 0 12 1 1 ? 2027", "UTC");
    assert_eq!(
        once.next(ms("2027-01-01T11:59:59Z")),
        Some(ms("2027-01-01T12:00:00Z"))
    );
    assert_eq!(once.next(ms("2027-01-01T12:00:00Z")), None);
    assert_eq!(hourly.next(i64::MAX), None);
    assert_eq!(hourly.next(i64::MIN), None);
}

// [08:47]
#[test]
fn jitter_is_that_of_the_vectors() {
    let jitter = |cron: &str, zone: Option<&str>, delay: &str, workflow: &str| {
        let zone = zone
            .map(|zone| format!(r#","timezone":"{zone}""#))
            .unwrap_or_default();
        let json = format!(r#"{{"type":"CRON","cron":"{cron}","fuzzy_max_delay":{delay}{zone}}}"#);
        let trigger: TimeTrigger = codec::read(json.as_bytes()).expect("a trigger");
        jitter::seconds(&trigger, cron, workflow)
    };
    assert_eq!(
        jitter("0 6 * * *", Some("Europe/Berlin"), "\"10 min\"", "wf.daily"),
        Ok(431)
    );
    assert_eq!(
        jitter("0 0 * * *", Some("UTC"), "\"5 hours\"", "wf.nightly"),
        Ok(6686)
    );
    assert_eq!(jitter("0 6 * * *", None, "90000", "wf.daily"), Ok(67));
    assert_eq!(
        jitter("*/10 * * * *", Some("UTC"), "\"64s\"", "wf-jitter"),
        Ok(33)
    );
    assert_eq!(
        jitter("*/10 * * * *", Some("UTC"), "\"45s\"", "wf-jitter"),
        Ok(44)
    );
    assert_eq!(jitter("0 6 * * *", None, "1999", "wf.daily"), Ok(0));
    assert_eq!(jitter("0 6 * * *", None, "\"300\"", "wf.daily"), Ok(0));
    assert!(jitter("0 6 * * *", None, "300", "wf.daily").is_err());
    assert!(jitter("0 6 * * *", None, "\"999ms\"", "wf.daily").is_err());
}

proptest! {
    #[test]
    fn executions_match_their_minute_in_any_zone(
        minute in 0u32..60, hour in 0u32..24, after in 0i64..4_000_000_000_000,
        zone in prop_oneof![Just("UTC"), Just("America/New_York"), Just("Australia/Lord_Howe"), Just("Asia/Kathmandu")]
    ) {
        let next = schedule(&format!("{minute} {hour} * * *"), zone).next(after).expect("it comes every day");
        prop_assert!(next > after && next - after <= 3 * 86_400_000);
        let local = Timestamp::from_millisecond(next).expect("in range").to_zoned_datetime(TimeZone::get(zone).expect("a zone"));
        prop_assert_eq!((i64::from(local.minute()), i64::from(local.hour())), (i64::from(minute), i64::from(hour)));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[0-9A-Z*/,#?|LW -]{0,40}") {
        let _ = Cron::parse(&text);
    }
}
