//! Durations in Go's notation, which `?timeout=` and the options use.

use std::time::Duration;

/// Reads `12s`, `500ms`, `1m30s`, `1.5h`; none when the text is not a duration or has no unit.
/// ```
/// # use podreeve::server::duration::parse;
/// # use std::time::Duration;
/// assert_eq!(parse("1m0.5s"), Some(Duration::from_millis(60_500)));
/// assert_eq!(parse("10"), None);
/// ```
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len()));
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// The value of an option is not a duration.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a duration; write it with its unit, as in 12s, 500ms or 1m30s")]
pub struct DurationError(String);

/// Reads the value of an option.
///
/// # Errors
/// When the text is not a duration.
pub fn flag(text: &str) -> Result<Duration, DurationError> {
    parse(text).ok_or_else(|| DurationError(text.to_owned()))
}

/// The time for a request. The API server gives up after `?timeout=`, so the answer has to be sent before that.
pub fn deadline(query: Option<&str>, default: Duration) -> Duration {
    const MARGIN: Duration = Duration::from_millis(500);
    /// The API allows no longer timeout.
    const LONGEST: Duration = Duration::from_secs(30);
    let timeout = query
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("timeout=")))
        .and_then(parse)
        .map_or(default, |timeout| timeout.min(LONGEST));
    timeout.saturating_sub(MARGIN).max(timeout / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations() {
        for (text, millis) in [("10s", 10_000), ("500ms", 500), ("1m30s", 90_000), ("1.5h", 5_400_000), ("0", 0)] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "s", "-1s", "1d", "1s 2s", "1e99h", "..s", "NaNs"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_answer_comes_before_the_api_server_gives_up() {
        let default = Duration::from_secs(10);
        for (query, millis) in [
            (None, 9_500),
            (Some("timeout=10s"), 9_500),
            (Some("a=b&timeout=2s"), 1_500),
            (Some("timeout=500ms"), 250),
            (Some("timeout=99h"), 29_500),
            (Some("timeout=soon"), 9_500),
            (Some("timeout="), 9_500),
        ] {
            assert_eq!(deadline(query, default), Duration::from_millis(millis), "{query:?}");
        }
    }
}
