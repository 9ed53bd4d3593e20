//! Waits between two tries of a request.

use super::error::RegistryError;
use super::limits::Limits;
use http::{HeaderMap, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How long to wait before the next try, or `None` if there is none.
pub fn wait(limits: &Limits, tried: u32, error: &RegistryError) -> Option<Duration> {
    if tried >= limits.tries || !error.is_transient() {
        return None;
    }
    let doubled = limits.backoff.saturating_mul(1 << (tried.saturating_sub(1)).min(8));
    match error {
        RegistryError::TooManyRequests { retry_after: Some(time), .. } if *time > limits.longest_wait => None,
        RegistryError::TooManyRequests { retry_after: Some(time), .. } => Some((*time).max(doubled)),
        _ => Some(jitter(doubled)),
    }
}

/// Between half of the time and all of it, so that replicas which failed together do not come again together.
fn jitter(time: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 512;
    time.saturating_mul(512 + u32::try_from(random).unwrap_or(0)) / 1024
}

/// The header `Retry-After`: seconds, or a date.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers, "2026-11-27T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_header_has_seconds_or_a_date() {
        assert_eq!(after("3"), Some(Duration::from_secs(3)));
        assert_eq!(after("Fri, 27 Nov 2026 10:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(after("Fri, 27 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
    }

    #[test]
    fn waits_double_and_end() {
        let limits = Limits { backoff: Duration::from_millis(100), ..Limits::default() };
        let down = RegistryError::Connect { host: String::new(), cause: String::new() };
        let second = wait(&limits, 2, &down).unwrap();
        assert!(second >= Duration::from_millis(100) && second <= Duration::from_millis(200), "{second:?}");
        assert_eq!(wait(&limits, 3, &down), None);
        let gone = RegistryError::NotFound { host: String::new(), what: String::new() };
        assert_eq!(wait(&limits, 1, &gone), None);
        let busy = |seconds| RegistryError::TooManyRequests {
            host: String::new(),
            retry_after: Some(Duration::from_secs(seconds)),
        };
        assert_eq!(wait(&limits, 1, &busy(7)), Some(Duration::from_secs(7)));
        assert_eq!(wait(&limits, 1, &busy(11)), None);
    }
}
