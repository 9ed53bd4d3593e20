//! What `check` prints: text and JSON from the same outcome.
