//! Logging an error once until it changes: a task that tries again every few seconds must not fill the log.

/// The last error of a task that is tried again and again.
///
/// A task calls one method after each try, and logs when the method returns true.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOnce {
    last_error: Option<String>,
}

impl LogOnce {
    /// A try failed. True if the error is another one than at the last try.
    #[must_use]
    pub fn failed(&mut self, error: &str) -> bool {
        let is_new = self.last_error.as_deref() != Some(error);
        if is_new {
            self.last_error = Some(error.to_owned());
        }
        is_new
    }

    /// A try failed. True if the last one did not: for errors whose text changes with each try.
    #[must_use]
    pub fn began_to_fail(&mut self, error: &str) -> bool {
        let is_first = self.last_error.is_none();
        let _ = self.failed(error);
        is_first
    }

    /// A try succeeded. True if the last one failed.
    pub fn recovered(&mut self) -> bool {
        self.last_error.take().is_some()
    }

    /// The error of the last try; none if it succeeded.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_new_until_it_was_seen() {
        let mut log = LogOnce::default();
        assert!(!log.recovered());
        assert!(log.failed("refused"));
        assert!(!log.failed("refused"));
        assert!(log.failed("timed out"));
        assert!(log.failed("refused"));
        assert_eq!(log.last_error(), Some("refused"));
    }

    #[test]
    fn a_success_is_news_after_a_failure_only() {
        let mut log = LogOnce::default();
        assert!(log.failed("refused"));
        assert!(log.recovered());
        assert!(!log.recovered());
        assert_eq!(log.last_error(), None);
        assert!(log.failed("refused"));
    }

    #[test]
    fn only_the_first_of_several_failures_begins() {
        let mut log = LogOnce::default();
        assert!(log.began_to_fail("node a: refused"));
        assert!(!log.began_to_fail("node b: refused"));
        assert_eq!(log.last_error(), Some("node b: refused"));
        assert!(log.recovered());
        assert!(log.began_to_fail("node b: refused"));
    }
}
