//! English names of zones (spec 03 SD-9a).

use super::{datetime::DateTime, zone::offset_text};

/// `EST`, `UTC`, `GMT+05:45`, or the offset of a zone that is nothing else.
pub(crate) fn short(date: DateTime) -> String {
    let id = date.zone.id();
    if id == "UTC" || id == "Etc/UTC" {
        return "UTC".to_owned();
    }
    let offset = date.offset();
    if date.zone.is_fixed() || id.starts_with("Etc/GMT+") || id.starts_with("Etc/GMT-") {
        return offset_text(offset);
    }
    match date.zone.abbreviation(date.millis) {
        Some(name) if name.bytes().all(|b| b.is_ascii_alphabetic()) => name,
        _ => format!("GMT{}", offset_text(offset)),
    }
}

/// `Eastern Standard Time`; the short name where no long one is known.
pub(crate) fn long(date: DateTime) -> String {
    let id = date.zone.id();
    let short = short(date);
    let special = BY_ZONE
        .iter()
        .find(|(zone, abbreviation, _)| *zone == id && *abbreviation == short);
    if let Some((_, _, name)) = special {
        return (*name).to_owned();
    }
    if let Some((_, name)) = BY_ABBREVIATION
        .iter()
        .find(|(abbreviation, _)| *abbreviation == short)
    {
        return (*name).to_owned();
    }
    if short.starts_with("GMT")
        && let Some((_, standard, summer, offset)) = UNNAMED.iter().find(|(zone, ..)| *zone == id)
    {
        let is_summer = date.offset() > offset * 60_000;
        return (if is_summer { summer } else { standard }).to_string();
    }
    short
}

const BY_ABBREVIATION: &[(&str, &str)] = &[
    ("UTC", "Coordinated Universal Time"),
    ("GMT", "Greenwich Mean Time"),
    ("EST", "Eastern Standard Time"),
    ("EDT", "Eastern Daylight Time"),
    ("CST", "Central Standard Time"),
    ("CDT", "Central Daylight Time"),
    ("MST", "Mountain Standard Time"),
    ("MDT", "Mountain Daylight Time"),
    ("PST", "Pacific Standard Time"),
    ("PDT", "Pacific Daylight Time"),
    ("AKST", "Alaska Standard Time"),
    ("AKDT", "Alaska Daylight Time"),
    ("AST", "Atlantic Standard Time"),
    ("ADT", "Atlantic Daylight Time"),
    ("NST", "Newfoundland Standard Time"),
    ("NDT", "Newfoundland Daylight Time"),
    ("ACST", "Australian Central Standard Time"),
    ("ACDT", "Australian Central Daylight Time"),
    ("AEST", "Australian Eastern Standard Time"),
    ("AEDT", "Australian Eastern Daylight Time"),
    ("AWST", "Australian Western Standard Time"),
    ("NZST", "New Zealand Standard Time"),
    ("NZDT", "New Zealand Daylight Time"),
    ("WET", "Western European Standard Time"),
    ("WEST", "Western European Summer Time"),
    ("CET", "Central European Standard Time"),
    ("CEST", "Central European Summer Time"),
    ("EET", "Eastern European Standard Time"),
    ("EEST", "Eastern European Summer Time"),
    ("BST", "British Summer Time"),
    ("HST", "Hawaii-Aleutian Standard Time"),
    ("MSK", "Moscow Standard Time"),
    ("SAST", "South Africa Standard Time"),
    ("WAT", "West Africa Standard Time"),
    ("CAT", "Central Africa Time"),
    ("EAT", "East Africa Time"),
    ("PKT", "Pakistan Standard Time"),
    ("WIB", "Western Indonesia Time"),
    ("WITA", "Central Indonesia Time"),
    ("WIT", "Eastern Indonesia Time"),
    ("HKT", "Hong Kong Standard Time"),
    ("JST", "Japan Standard Time"),
    ("KST", "Korean Standard Time"),
    ("ChST", "Chamorro Standard Time"),
    ("SST", "American Samoa Standard Time"),
];

/// Abbreviations that mean another thing in these zones.
const BY_ZONE: &[(&str, &str, &str)] = &[
    ("Asia/Jerusalem", "IST", "Israel Standard Time"),
    ("Asia/Jerusalem", "IDT", "Israel Daylight Time"),
    ("Europe/Dublin", "IST", "Irish Standard Time"),
    ("Asia/Kolkata", "IST", "India Standard Time"),
    ("America/Havana", "CST", "Cuba Standard Time"),
    ("America/Havana", "CDT", "Cuba Daylight Time"),
    ("Asia/Shanghai", "CST", "China Standard Time"),
    ("Asia/Taipei", "CST", "Taiwan Standard Time"),
    ("Asia/Macau", "CST", "China Standard Time"),
    ("Asia/Manila", "PST", "Philippine Standard Time"),
];

/// Zones whose data has no abbreviations, by CLDR: standard and summer name, and the standard offset in minutes.
const UNNAMED: &[(&str, &str, &str, i64)] = &[
    (
        "America/Argentina/Buenos_Aires",
        "Argentina Standard Time",
        "Argentina Summer Time",
        -180,
    ),
    (
        "America/Argentina/Cordoba",
        "Argentina Standard Time",
        "Argentina Summer Time",
        -180,
    ),
    (
        "America/Argentina/Mendoza",
        "Argentina Standard Time",
        "Argentina Summer Time",
        -180,
    ),
    (
        "America/Asuncion",
        "Paraguay Standard Time",
        "Paraguay Summer Time",
        -180,
    ),
    (
        "America/Bogota",
        "Colombia Standard Time",
        "Colombia Summer Time",
        -300,
    ),
    ("America/Caracas", "Venezuela Time", "Venezuela Time", -240),
    (
        "America/Cayenne",
        "French Guiana Time",
        "French Guiana Time",
        -180,
    ),
    (
        "America/Fortaleza",
        "Brasilia Standard Time",
        "Brasilia Summer Time",
        -180,
    ),
    ("America/Guayaquil", "Ecuador Time", "Ecuador Time", -300),
    ("America/Guyana", "Guyana Time", "Guyana Time", -240),
    ("America/La_Paz", "Bolivia Time", "Bolivia Time", -240),
    (
        "America/Lima",
        "Peru Standard Time",
        "Peru Summer Time",
        -300,
    ),
    (
        "America/Manaus",
        "Amazon Standard Time",
        "Amazon Summer Time",
        -240,
    ),
    (
        "America/Montevideo",
        "Uruguay Standard Time",
        "Uruguay Summer Time",
        -180,
    ),
    (
        "America/Noronha",
        "Fernando de Noronha Standard Time",
        "Fernando de Noronha Summer Time",
        -120,
    ),
    ("America/Paramaribo", "Suriname Time", "Suriname Time", -180),
    (
        "America/Recife",
        "Brasilia Standard Time",
        "Brasilia Summer Time",
        -180,
    ),
    (
        "America/Santiago",
        "Chile Standard Time",
        "Chile Summer Time",
        -240,
    ),
    (
        "America/Sao_Paulo",
        "Brasilia Standard Time",
        "Brasilia Summer Time",
        -180,
    ),
    (
        "Asia/Baku",
        "Azerbaijan Standard Time",
        "Azerbaijan Summer Time",
        240,
    ),
    ("Asia/Bangkok", "Indochina Time", "Indochina Time", 420),
    ("Asia/Bishkek", "Kyrgyzstan Time", "Kyrgyzstan Time", 360),
    (
        "Asia/Brunei",
        "Brunei Darussalam Time",
        "Brunei Darussalam Time",
        480,
    ),
    (
        "Asia/Colombo",
        "India Standard Time",
        "India Standard Time",
        330,
    ),
    (
        "Asia/Dhaka",
        "Bangladesh Standard Time",
        "Bangladesh Summer Time",
        360,
    ),
    (
        "Asia/Dubai",
        "Gulf Standard Time",
        "Gulf Standard Time",
        240,
    ),
    ("Asia/Dushanbe", "Tajikistan Time", "Tajikistan Time", 300),
    ("Asia/Ho_Chi_Minh", "Indochina Time", "Indochina Time", 420),
    (
        "Asia/Irkutsk",
        "Irkutsk Standard Time",
        "Irkutsk Summer Time",
        480,
    ),
    ("Asia/Kabul", "Afghanistan Time", "Afghanistan Time", 270),
    ("Asia/Kathmandu", "Nepal Time", "Nepal Time", 345),
    (
        "Asia/Krasnoyarsk",
        "Krasnoyarsk Standard Time",
        "Krasnoyarsk Summer Time",
        420,
    ),
    ("Asia/Kuala_Lumpur", "Malaysia Time", "Malaysia Time", 480),
    (
        "Asia/Magadan",
        "Magadan Standard Time",
        "Magadan Summer Time",
        660,
    ),
    (
        "Asia/Muscat",
        "Gulf Standard Time",
        "Gulf Standard Time",
        240,
    ),
    (
        "Asia/Novosibirsk",
        "Novosibirsk Standard Time",
        "Novosibirsk Summer Time",
        420,
    ),
    ("Asia/Omsk", "Omsk Standard Time", "Omsk Summer Time", 360),
    (
        "Asia/Riyadh",
        "Arabian Standard Time",
        "Arabian Daylight Time",
        180,
    ),
    (
        "Asia/Baghdad",
        "Arabian Standard Time",
        "Arabian Daylight Time",
        180,
    ),
    (
        "Asia/Kuwait",
        "Arabian Standard Time",
        "Arabian Daylight Time",
        180,
    ),
    (
        "Asia/Qatar",
        "Arabian Standard Time",
        "Arabian Daylight Time",
        180,
    ),
    (
        "Asia/Sakhalin",
        "Sakhalin Standard Time",
        "Sakhalin Summer Time",
        660,
    ),
    (
        "Asia/Samarkand",
        "Uzbekistan Standard Time",
        "Uzbekistan Summer Time",
        300,
    ),
    (
        "Asia/Singapore",
        "Singapore Standard Time",
        "Singapore Standard Time",
        480,
    ),
    (
        "Asia/Tashkent",
        "Uzbekistan Standard Time",
        "Uzbekistan Summer Time",
        300,
    ),
    (
        "Asia/Tbilisi",
        "Georgia Standard Time",
        "Georgia Summer Time",
        240,
    ),
    (
        "Asia/Tehran",
        "Iran Standard Time",
        "Iran Daylight Time",
        210,
    ),
    ("Asia/Thimphu", "Bhutan Time", "Bhutan Time", 360),
    (
        "Asia/Ulaanbaatar",
        "Ulaanbaatar Standard Time",
        "Ulaanbaatar Summer Time",
        480,
    ),
    (
        "Asia/Vladivostok",
        "Vladivostok Standard Time",
        "Vladivostok Summer Time",
        600,
    ),
    (
        "Asia/Yakutsk",
        "Yakutsk Standard Time",
        "Yakutsk Summer Time",
        540,
    ),
    ("Asia/Yangon", "Myanmar Time", "Myanmar Time", 390),
    (
        "Asia/Yekaterinburg",
        "Yekaterinburg Standard Time",
        "Yekaterinburg Summer Time",
        300,
    ),
    (
        "Asia/Yerevan",
        "Armenia Standard Time",
        "Armenia Summer Time",
        240,
    ),
    (
        "Atlantic/Azores",
        "Azores Standard Time",
        "Azores Summer Time",
        -60,
    ),
    (
        "Atlantic/Cape_Verde",
        "Cape Verde Standard Time",
        "Cape Verde Summer Time",
        -60,
    ),
    (
        "Atlantic/South_Georgia",
        "South Georgia Time",
        "South Georgia Time",
        -120,
    ),
    (
        "Atlantic/Stanley",
        "Falkland Islands Standard Time",
        "Falkland Islands Summer Time",
        -180,
    ),
    (
        "Australia/Eucla",
        "Australian Central Western Standard Time",
        "Australian Central Western Daylight Time",
        525,
    ),
    (
        "Australia/Lord_Howe",
        "Lord Howe Standard Time",
        "Lord Howe Daylight Time",
        630,
    ),
    (
        "Europe/Samara",
        "Samara Standard Time",
        "Samara Summer Time",
        240,
    ),
    ("Indian/Maldives", "Maldives Time", "Maldives Time", 300),
    (
        "Indian/Mauritius",
        "Mauritius Standard Time",
        "Mauritius Summer Time",
        240,
    ),
    (
        "Pacific/Apia",
        "Apia Standard Time",
        "Apia Daylight Time",
        780,
    ),
    (
        "Pacific/Chatham",
        "Chatham Standard Time",
        "Chatham Daylight Time",
        765,
    ),
    (
        "Pacific/Easter",
        "Easter Island Standard Time",
        "Easter Island Summer Time",
        -360,
    ),
    (
        "Pacific/Fiji",
        "Fiji Standard Time",
        "Fiji Summer Time",
        720,
    ),
    (
        "Pacific/Guadalcanal",
        "Solomon Islands Time",
        "Solomon Islands Time",
        660,
    ),
    (
        "Pacific/Kiritimati",
        "Line Islands Time",
        "Line Islands Time",
        840,
    ),
    (
        "Pacific/Marquesas",
        "Marquesas Time",
        "Marquesas Time",
        -570,
    ),
    (
        "Pacific/Noumea",
        "New Caledonia Standard Time",
        "New Caledonia Summer Time",
        660,
    ),
    (
        "Pacific/Port_Moresby",
        "Papua New Guinea Time",
        "Papua New Guinea Time",
        600,
    ),
    ("Pacific/Tahiti", "Tahiti Time", "Tahiti Time", -600),
    (
        "Pacific/Tongatapu",
        "Tonga Standard Time",
        "Tonga Summer Time",
        780,
    ),
];
