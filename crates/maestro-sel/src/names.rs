//! Names that the language knows: classes, predefined names, methods and fields (spec 03 ST-2, ST-4, section 9).

use crate::value::{Element, Val};

/// A class that may stand in a declaration or after `new` (ST-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Long,
    Double,
    Boolean,
    String,
    Map,
    DateTime,
    Zone,
    Formatter,
    Property,
    Days,
    Uuid,
}

impl Class {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "int" | "long" | "Integer" | "Long" => Self::Long,
            "float" | "double" | "Float" | "Double" => Self::Double,
            "boolean" | "Boolean" => Self::Boolean,
            "String" => Self::String,
            "Map" | "HashMap" | "LinkedHashMap" => Self::Map,
            "DateTime" => Self::DateTime,
            "DateTimeZone" => Self::Zone,
            "DateTimeFormatter" | "DateTimeFormat" => Self::Formatter,
            "Property" => Self::Property,
            "Days" => Self::Days,
            "UUID" => Self::Uuid,
            _ => return None,
        })
    }

    /// The content of `T x;` and of the bare class name (ST-3).
    pub(crate) fn default_value(self) -> Val {
        match self {
            Self::Long => Val::Long(0),
            Self::Double => Val::Double(0.0),
            Self::Boolean => Val::Boolean(false),
            Self::String => Val::Str(None),
            Self::Map => Val::Map(None),
            Self::DateTime => Val::DateTime(None),
            Self::Zone => Val::Zone(None),
            Self::Formatter => Val::Formatter(None),
            Self::Property => Val::Property(None),
            Self::Days => Val::Days(None),
            Self::Uuid => Val::Uuid(None),
        }
    }

    /// The family of array elements, if arrays of the class exist.
    pub(crate) fn element(self) -> Option<Element> {
        match self {
            Self::Long => Some(Element::Long),
            Self::Double => Some(Element::Double),
            Self::Boolean => Some(Element::Boolean),
            Self::String => Some(Element::String),
            _ => None,
        }
    }
}

/// The content of a predefined name (ST-4), `params` included.
pub(crate) fn predefined(name: &str) -> Option<Val> {
    match name {
        "Math" => Some(Val::Math),
        "Util" => Some(Val::Util),
        "System" | "Arrays" | "DateTimeConstants" => Some(Val::Misc),
        "params" => Some(Val::Params),
        _ => Class::named(name).map(Class::default_value),
    }
}

macro_rules! members {
    ($($variant:ident = $text:literal,)*) => {
        /// A method or field name, known before the evaluation so that calls need no comparison of texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Member {
            $($variant,)*
            /// A name without meaning to the library; extensions and `params` may know it.
            Other,
        }

        impl Member {
            pub(crate) fn named(name: &str) -> Self {
                match name {
                    $($text => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

members! {
    AsList = "asList", Compare = "compareTo", Contains = "contains", ContainsKey = "containsKey",
    CurrentTimeMillis = "currentTimeMillis", DateIntHourToTs = "dateIntHourToTs", DateIntToTs = "dateIntToTs",
    DateIntsBetween = "dateIntsBetween", DayOfMonth = "dayOfMonth", DayOfWeek = "dayOfWeek", DayOfYear = "dayOfYear",
    DaysBetween = "daysBetween", DoubleValueOf = "parseDouble", EndsWith = "endsWith", Equals = "equals",
    Escape = "escape", ForId = "forID", ForPattern = "forPattern", Format = "format", Get = "get",
    GetAsText = "getAsText", GetDayOfMonth = "getDayOfMonth", GetDayOfWeek = "getDayOfWeek",
    GetDayOfYear = "getDayOfYear", GetDays = "getDays", GetHourOfDay = "getHourOfDay", GetMillis = "getMillis",
    GetMillisOfDay = "getMillisOfDay", GetMillisOfSecond = "getMillisOfSecond", GetMinuteOfDay = "getMinuteOfDay",
    GetMinuteOfHour = "getMinuteOfHour", GetMonthOfYear = "getMonthOfYear", GetOffset = "getOffset",
    GetOrDefault = "getOrDefault", GetSecondOfDay = "getSecondOfDay", GetSecondOfMinute = "getSecondOfMinute",
    GetWeekOfWeekyear = "getWeekOfWeekyear", GetWeekyear = "getWeekyear", GetYear = "getYear", HourOfDay = "hourOfDay",
    IncrementDateInt = "incrementDateInt", IntValue = "intValue", IntsBetween = "intsBetween", IsAfter = "isAfter",
    IsBefore = "isBefore", IsEmpty = "isEmpty", IsEqual = "isEqual", Join = "join", LastIndexOf = "lastIndexOf",
    Length = "length", LongValue = "longValue", Max = "max", MillisOfDay = "millisOfDay",
    MillisOfSecond = "millisOfSecond", Min = "min", MinusDays = "minusDays", MinusHours = "minusHours",
    MinusMillis = "minusMillis", MinusMinutes = "minusMinutes", MinusMonths = "minusMonths",
    MinusSeconds = "minusSeconds", MinusWeeks = "minusWeeks", MinusYears = "minusYears", MinuteOfDay = "minuteOfDay",
    MinuteOfHour = "minuteOfHour", MonthOfYear = "monthOfYear", Parse = "parse", ParseDateTime = "parseDateTime",
    ParseLong = "parseLong", ParseMillis = "parseMillis", PlusDays = "plusDays", PlusHours = "plusHours",
    PlusMillis = "plusMillis", PlusMinutes = "plusMinutes", PlusMonths = "plusMonths", PlusSeconds = "plusSeconds",
    PlusWeeks = "plusWeeks", PlusYears = "plusYears", Pow = "pow", Print = "print", Put = "put", Random = "random",
    RandomUuid = "randomUUID", Replace = "replace", ReplaceAll = "replaceAll", SecondOfDay = "secondOfDay",
    SecondOfMinute = "secondOfMinute", Size = "size", Split = "split", StartsWith = "startsWith",
    Substring = "substring", Sunday = "SUNDAY",
    TimeoutForDateIntDeadline = "timeoutForDateIntDeadline", TimeoutForDateTimeDeadline = "timeoutForDateTimeDeadline",
    ToDateTime = "toDateTime", ToJson = "toJson", ToLowerCase = "toLowerCase", ToString = "toString",
    ToUpperCase = "toUpperCase", Trim = "trim", TsToDateInt = "tsToDateInt", Utc = "UTC", ValueOf = "valueOf",
    WeekOfWeekyear = "weekOfWeekyear", Weekyear = "weekyear", WithDayOfMonth = "withDayOfMonth",
    WithDayOfWeek = "withDayOfWeek", WithDayOfYear = "withDayOfYear", WithHourOfDay = "withHourOfDay",
    WithMaximumValue = "withMaximumValue", WithMillisOfDay = "withMillisOfDay",
    WithMillisOfSecond = "withMillisOfSecond", WithMinimumValue = "withMinimumValue",
    WithMinuteOfHour = "withMinuteOfHour", WithMonthOfYear = "withMonthOfYear",
    WithSecondOfMinute = "withSecondOfMinute", WithTimeAtStartOfDay = "withTimeAtStartOfDay",
    WithWeekOfWeekyear = "withWeekOfWeekyear", WithWeekyear = "withWeekyear", WithYear = "withYear",
    WithZone = "withZone",
}
