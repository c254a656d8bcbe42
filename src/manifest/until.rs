//! The end of a suspension.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The end of a suspension: a whole day, or a moment.
///
/// A bare date means the end of that day in UTC, on every machine alike. Its text is
/// what a file, the ledger and the JSON report hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Until {
    /// The end of this day in UTC.
    Day(Date),
    /// This moment.
    Moment(Timestamp),
}

/// A text that is not the end of a suspension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UntilError {
    /// A time without a zone.
    #[error("add a time zone, as in `2026-12-01T18:00Z` or `2026-12-01T18:00+01:00`")]
    WithoutZone,
    /// Neither a date nor a time.
    #[error(
        "expected a date such as `2026-12-01`, or a time with a time zone such as `2026-12-01T18:00+01:00`"
    )]
    NoDate,
}

/// The length of `2026-12-01`.
const DATE_LENGTH: usize = 10;

impl Until {
    /// The first moment at which it is over.
    #[must_use]
    pub fn end(self) -> Timestamp {
        match self {
            Self::Day(day) => day
                .tomorrow()
                .and_then(|next| next.to_zoned(TimeZone::UTC))
                .map_or(Timestamp::MAX, |midnight| midnight.timestamp()),
            Self::Moment(moment) => moment,
        }
    }

    /// As it is kept: `2026-12-01`, or `2026-12-01T17:00:00Z`.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::Moment(moment) => moment.to_string(),
        }
    }
}

/// For people, without a doubt about the zone.
impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "the end of {day} UTC"),
            Self::Moment(moment) => write!(f, "{moment}"),
        }
    }
}

impl FromStr for Until {
    type Err = UntilError;

    fn from_str(text: &str) -> Result<Self, UntilError> {
        let text = text.trim();
        // A date is read out of a time, too, and the rest would be lost.
        if text.len() == DATE_LENGTH {
            return text.parse().map(Self::Day).map_err(|_| UntilError::NoDate);
        }
        if let Ok(zoned) = text.parse::<Zoned>() {
            return Ok(Self::Moment(zoned.timestamp()));
        }
        if text.contains('[') {
            return Err(UntilError::NoDate);
        }
        match text.parse() {
            Ok(moment) => Ok(Self::Moment(moment)),
            Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() => Err(UntilError::WithoutZone),
            Err(_) => Err(UntilError::NoDate),
        }
    }
}

impl TryFrom<String> for Until {
    type Error = UntilError;

    fn try_from(text: String) -> Result<Self, UntilError> {
        text.parse()
    }
}

impl From<Until> for String {
    fn from(until: Until) -> Self {
        until.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> String {
        let until: Result<Until, _> = text.parse();
        until.map_or_else(|error| error.to_string(), |until| until.end().to_string())
    }

    #[test]
    fn bare_date_ends_with_its_day_in_utc() {
        assert_eq!(end("2026-12-01"), "2026-12-02T00:00:00Z");
        assert_eq!(end("9999-12-31"), Timestamp::MAX.to_string());
    }

    #[test]
    fn time_counts_in_its_zone() {
        for text in [
            "2026-12-01T17:00:00Z",
            "2026-12-01T18:00+01:00",
            "2026-12-01 18:00:00+01:00",
            "2026-12-01T18:00:00+01:00[Europe/Berlin]",
            "2026-12-01T18:00[Europe/Berlin]",
        ] {
            assert_eq!(end(text), "2026-12-01T17:00:00Z", "{text}");
        }
    }

    #[test]
    fn time_without_zone_is_refused() {
        for text in ["2026-12-01T18:00", "2026-12-01 18:00:00"] {
            assert_eq!(end(text), UntilError::WithoutZone.to_string(), "{text}");
        }
        for text in [
            "tomorrow",
            "2026-13-01",
            "2026-12-01T18:00[Nowhere/Town]",
            "2026-12-01T18:00-05:00[Europe/Berlin]",
            "",
        ] {
            assert_eq!(end(text), UntilError::NoDate.to_string(), "{text}");
        }
    }

    #[test]
    fn kept_text_reads_back_as_the_same() {
        for text in ["2026-12-01", "2026-12-01T18:00+01:00"] {
            let until: Until = text.parse().unwrap();
            assert_eq!(until.text().parse(), Ok(until));
            let json = serde_json::to_string(&until).unwrap();
            assert_eq!(serde_json::from_str::<Until>(&json).unwrap(), until);
        }
    }
}
