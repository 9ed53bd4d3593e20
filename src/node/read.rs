//! What came of reading something on a host.

use serde::{Deserialize, Serialize};

/// What came of reading something. Only [`Read::Is`] and [`Read::Absent`] say how the host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Read<T> {
    Is(T),
    Absent,
    /// The reason, such as `permission denied`.
    Denied(String),
    /// It has more bytes or entries than podreeve reads.
    TooBig,
    /// Its links lead in a circle.
    Loop,
}

impl<T> Read<T> {
    #[must_use]
    pub const fn is(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            _ => None,
        }
    }

    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Why nothing is known, as a clause that follows the name of the thing.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        match self {
            Self::Is(_) | Self::Absent => None,
            Self::Denied(why) => Some(format!("cannot be read: {why}")),
            Self::TooBig => Some("is larger than podreeve reads".to_owned()),
            Self::Loop => Some("is a circle of links".to_owned()),
        }
    }

    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Is(value) => Read::Is(map(value)),
            Self::Absent => Read::Absent,
            Self::Denied(why) => Read::Denied(why),
            Self::TooBig => Read::TooBig,
            Self::Loop => Read::Loop,
        }
    }

    /// A value that was read and makes no sense is not known either.
    pub fn and_then<U>(self, map: impl FnOnce(T) -> Result<U, String>) -> Read<U> {
        match self.map(map) {
            Read::Is(Ok(value)) => Read::Is(value),
            Read::Is(Err(why)) | Read::Denied(why) => Read::Denied(why),
            Read::Absent => Read::Absent,
            Read::TooBig => Read::TooBig,
            Read::Loop => Read::Loop,
        }
    }
}
