//! Durations as Go writes them, which Kubernetes' own configuration uses.

use serde::Deserialize;
use std::time::Duration;

/// A duration as Go prints it: `12h`, `1h30m`, `90s`, `0s`.
fn parse(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let units = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (unit, factor) = units.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        sum = sum.checked_add(Duration::try_from_secs_f64(number * factor).ok()?)?;
        rest = after.get(unit.len()..)?;
    }
    (!text.is_empty()).then_some(sum)
}

pub fn required<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no duration such as 12h")))
}

pub fn optional<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    Ok(parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go() {
        let seconds = |text| parse(text).map(|time| time.as_secs_f64());
        assert_eq!(seconds("1h30m0.5s"), Some(5400.5));
        assert_eq!(seconds("0"), Some(0.0));
        assert_eq!(seconds("250ms"), Some(0.25));
        for wrong in ["", "12", "h", "1d", "-1h"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
