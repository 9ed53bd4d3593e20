//! Tests of policies: what a policy does with an object, and what its author expects. `podreeve test` runs them.
//!
//! A test is judged by the code of the webhook: first the mutating hook, then the validating one with what the first made.

pub mod bless;
mod changes;
mod circumstances;
mod compare;
pub mod document;
mod judge;
mod objects;
mod read;
mod render;
pub mod report;
mod run;

pub use compare::Mismatch;
pub use judge::Found;
pub use read::{Suite, is_mentioned, read};
pub use run::{CaseResult, SuiteResult, run};
