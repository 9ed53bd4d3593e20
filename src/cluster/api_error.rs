//! Why a call to the API server failed, as one type for all callers.

use super::unreachable;
use crate::text::{clean, with_causes};

/// Longest message of the API server that a log line quotes, in characters.
const MESSAGE_MAX: usize = 500;

/// Why a call to the API server failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The API server answered, and the answer is no: another try gets the same answer until the cluster changes.
    #[error("{message}")]
    Refused { code: u16, message: String },
    /// The API server cannot be reached, or cannot answer now.
    #[error("{0}")]
    Unavailable(String),
    #[error("the API server did not answer in time")]
    Timeout,
}

impl ApiError {
    /// The HTTP status of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Unavailable(_) | Self::Timeout => None,
        }
    }

    /// Whether the object, or its kind, does not exist.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.code(), Some(404))
    }

    /// Whether the namespace of the object is being deleted.
    #[must_use]
    pub fn is_namespace_terminating(&self) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains("being terminated"))
    }

    /// Whether another client has changed the object since it was read.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(409))
    }
}

impl From<&kube::core::Status> for ApiError {
    fn from(status: &kube::core::Status) -> Self {
        let message = clean(&status.message, MESSAGE_MAX);
        match status.code {
            // 401: the token has expired, and the client reads a new one. 429: too many requests at this moment.
            401 | 429 => Self::Unavailable(message),
            code @ 400..=499 => Self::Refused { code, message },
            _ => Self::Unavailable(message),
        }
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(&*status),
            error => Self::Unavailable(match unreachable::what(&error) {
                Some(what) => format!("the API server does not answer: {what}"),
                None => with_causes(&error),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn error(code: u16) -> ApiError {
        ApiError::from(kube::Error::Api(Box::new(Status { code, ..Status::failure("pods is forbidden", "Forbidden") })))
    }

    #[test]
    fn a_refusal_is_final_and_an_overload_is_not() {
        for code in [400, 403, 404, 409, 410, 422] {
            assert_eq!(error(code).code(), Some(code));
        }
        for code in [401, 429, 500, 503] {
            assert_eq!(error(code), ApiError::Unavailable("pods is forbidden".to_owned()));
        }
        assert!(error(404).is_not_found() && error(409).is_conflict());
        assert_eq!(error(403).to_string(), "pods is forbidden");
    }
}
