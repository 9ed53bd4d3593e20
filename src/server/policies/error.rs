//! Why policies do not load.

use crate::admit::Snapshot;
use crate::sources::SourceErrors;

/// Why policies do not load: the text says where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub(super) String);

impl From<SourceErrors> for LoadError {
    fn from(errors: SourceErrors) -> Self {
        Self(errors.to_string())
    }
}

impl From<&str> for LoadError {
    fn from(error: &str) -> Self {
        Self(error.to_owned())
    }
}

/// Loads the policies for a generation; none when nothing has changed since the last call.
pub type Load = Box<dyn FnMut(u64) -> Result<Option<Snapshot>, LoadError> + Send>;
