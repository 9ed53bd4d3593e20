//! Rules about Dockerfiles: how one judges, what it finds, and its examples.

use super::finding::Finding;
use super::params::{self, BadParams, NoParams};
use super::pod::edit::Applicability;
use crate::dockerfile::{Dockerfile, Place};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;

/// How a rule judges a Dockerfile.
pub struct FileRule {
    /// Reads the parameters of a policy into the type that checks: [`compile_file`] or [`file_without_params`].
    pub compile: fn(Value) -> Result<Box<dyn FileCheck>, BadParams>,
    /// What to do where no edit repairs a violation, as a clause of a sentence; empty where the edits always do.
    pub instead: &'static str,
    /// The only fixtures: tests and help replay them.
    pub examples: &'static [FileExample],
}

/// What a rule finds in a Dockerfile.
pub type FileFindings<'d> = Vec<Finding<'d, Place>>;

/// The parameters of a rule, ready to judge Dockerfiles.
pub trait FileCheck: Send + Sync {
    /// Adds a finding for every place of the file that violates the rule, in the order of the file.
    fn check<'d>(&self, file: &'d Dockerfile<'d>, findings: &mut FileFindings<'d>);

    /// The edit that repairs one finding; its applicability says whether a person has to read it before it is made. None where
    /// it takes more than an edit of this file.
    fn suggest(&self, _file: &Dockerfile<'_>, _finding: &Finding<'_, Place>) -> Option<FileEdit> {
        None
    }
}

/// The replacement of a part of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The bytes that are replaced.
    pub span: std::ops::Range<usize>,
    pub text: Cow<'static, str>,
    pub applicability: Applicability,
}

/// A Dockerfile, and what the rule must find in it.
#[derive(Debug, Clone, Copy)]
pub struct FileExample {
    /// A phrase that names the case, unique in its rule.
    pub name: &'static str,
    /// Parameters as JSON; empty for the defaults.
    pub params: &'static str,
    pub text: &'static str,
    /// The line of each finding, in order; none for an example that passes.
    pub lines: &'static [usize],
    /// The text after the edits that the rule suggests; empty where it suggests none.
    pub repaired: &'static str,
}

impl FileExample {
    /// A Dockerfile that passes.
    #[must_use]
    pub const fn good(name: &'static str, text: &'static str) -> Self {
        Self::bad(name, text, &[])
    }

    /// A Dockerfile that violates the rule in these lines.
    #[must_use]
    pub const fn bad(name: &'static str, text: &'static str, lines: &'static [usize]) -> Self {
        Self { name, params: "", text, lines, repaired: "" }
    }

    /// The same with parameters.
    #[must_use]
    pub const fn params(mut self, params: &'static str) -> Self {
        self.params = params;
        self
    }

    /// The same with the text after the edits.
    #[must_use]
    pub const fn repaired(mut self, text: &'static str) -> Self {
        self.repaired = text;
        self
    }

    #[must_use]
    pub const fn is_bad(&self) -> bool {
        !self.lines.is_empty()
    }

    /// The parameters as a value; null for the defaults.
    #[must_use]
    pub fn params_value(&self) -> Value {
        serde_json::from_str(self.params).unwrap_or_default()
    }
}

/// For [`FileRule::compile`]: absent parameters are the defaults, unknown keys are refused.
///
/// # Errors
/// The field that does not fit, and why.
pub fn compile_file<P: FileCheck + DeserializeOwned + 'static>(params: Value) -> Result<Box<dyn FileCheck>, BadParams> {
    params::read::<P>(params).map(|check| Box::new(check) as Box<dyn FileCheck>)
}

/// For [`FileRule::compile`] of a rule without parameters.
///
/// # Errors
/// The first parameter that the policy gives it.
pub fn file_without_params<C: FileCheck + Default + 'static>(params: Value) -> Result<Box<dyn FileCheck>, BadParams> {
    params::read::<NoParams>(params).map(|_| Box::new(C::default()) as Box<dyn FileCheck>)
}
