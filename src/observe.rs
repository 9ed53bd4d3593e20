//! Metrics and logs: they consume an outcome after the reply has been sent.
