//! The vocabulary of rules: what a rule is, what it finds, how it repairs, and its examples.
//!
//! The table of all rules is [`crate::rules`]. A rule knows nothing of policies, requests or text formats.

mod bounds;
mod exec;
mod file;
mod finding;
mod image;
mod node;
mod params;
mod pod;

pub use bounds::Bounds;
pub use exec::{ExecExample, ExecRule};
pub use file::{FileCheck, FileEdit, FileExample, FileFindings, FileRule, compile_file, file_without_params};
pub use finding::{AtMost, Finding, NOT_SET, Severity, display_flag, display_value};
pub use image::{ImageCheck, ImageExample, ImageFindings, ImageRule, InContainer, compile_image};
pub use node::{
    About, Evidence, Failure, NodeCheck, NodeExample, NodeResult, NodeRule, Results, Verdict, VerdictKind,
    compile_node, node_without_params,
};
pub use params::{BadParams, NoParams, judged, params};
pub use pod::check::{Check, Findings, RepairSplit};
pub use pod::edit::{Applicability, Edit, Op, Remark};
pub use pod::example::{Example, Expect, GOOD_POD, Kinds};
pub use pod::fix::{Fix, Scope};
pub use pod::implied::{Cause, Same, Spot};
pub use pod::location::Location;
pub use pod::pss::{self, Pss};
pub use pod::{NOT_EPHEMERAL, PodRule, compile, without_params};

use schemars::{Schema, SchemaGenerator};
use std::borrow::Cow;
use std::fmt;

/// A rule as data.
pub struct Rule {
    /// The id that policies, denials, metrics and reports name. It never changes.
    pub id: &'static str,
    /// A line of help: what must hold.
    pub title: &'static str,
    /// A paragraph or two of Markdown: what is judged, what the parameters mean, what to do instead.
    pub docs: &'static str,
    /// One sentence for the denial: what an attacker or a fault does with a violation.
    pub why: &'static str,
    /// Items of the OWASP list, with the numbers of `podreeve rules --owasp`.
    pub owasp: &'static [u8],
    pub severity: Severity,
    /// JSON schema of the parameters.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// What the rule judges, and how.
    pub judges: Judges,
}

/// The subject of a rule. The enum is closed: a policy compiles each subject, and the tests have a harness for each.
pub enum Judges {
    /// Pods and pod templates.
    Pod(PodRule),
    /// Connections to a pod that runs already: exec, attach, port-forward and proxy.
    Exec(ExecRule),
    /// Dockerfiles, in `podreeve check`. No request contains one.
    Dockerfile(FileRule),
    /// Images: in `podreeve image`, and those that the pods of a request name.
    Image(ImageRule),
    /// Hosts of containers, in `podreeve node`. No request contains one.
    Node(NodeRule),
}

/// Where the pages are that texts of rules link to, beginning at the folder of the rules' own pages.
const PAGES: &str = "](https://github.com/podreeve/podreeve/blob/main/docs/";

impl Rule {
    /// The docs with links that work anywhere. The pages of rules have relative ones.
    #[must_use]
    pub fn docs_with_addresses(&self) -> Cow<'static, str> {
        if self.docs.contains("](../") { self.docs.replace("](../", PAGES).into() } else { self.docs.into() }
    }

    /// How the rule judges a pod: one that a request creates or changes, or one that a connection enters. None for a rule of
    /// another subject.
    #[must_use]
    pub const fn pod(&self) -> Option<&PodRule> {
        match &self.judges {
            Judges::Pod(pod) => Some(pod),
            Judges::Exec(exec) => Some(&exec.pod),
            Judges::Dockerfile(_) | Judges::Image(_) | Judges::Node(_) => None,
        }
    }

    /// How the rule judges a host, if it does.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeRule> {
        match &self.judges {
            Judges::Node(node) => Some(node),
            Judges::Pod(_) | Judges::Exec(_) | Judges::Dockerfile(_) | Judges::Image(_) => None,
        }
    }

    /// How the rule judges an image, if it does.
    #[must_use]
    pub const fn image(&self) -> Option<&ImageRule> {
        match &self.judges {
            Judges::Image(image) => Some(image),
            Judges::Pod(_) | Judges::Exec(_) | Judges::Dockerfile(_) | Judges::Node(_) => None,
        }
    }

    /// Whether it judges images: by themselves, or what they bring to a pod.
    #[must_use]
    pub const fn judges_images(&self) -> bool {
        match &self.judges {
            Judges::Pod(pod) => pod.judges_image,
            Judges::Exec(exec) => exec.pod.judges_image,
            Judges::Image(_) => true,
            Judges::Dockerfile(_) | Judges::Node(_) => false,
        }
    }

    /// How the rule judges a Dockerfile, if it does.
    #[must_use]
    pub const fn file(&self) -> Option<&FileRule> {
        match &self.judges {
            Judges::Dockerfile(file) => Some(file),
            Judges::Pod(_) | Judges::Exec(_) | Judges::Image(_) | Judges::Node(_) => None,
        }
    }

    /// What the rule judges, in one word.
    #[must_use]
    pub const fn subject(&self) -> &'static str {
        match &self.judges {
            Judges::Pod(_) => "pod",
            Judges::Exec(_) => "exec",
            Judges::Dockerfile(_) => "dockerfile",
            Judges::Image(_) => "image",
            Judges::Node(_) => "node",
        }
    }

    /// Whether a request to the API server can violate the rule.
    #[must_use]
    pub const fn judges_requests(&self) -> bool {
        match &self.judges {
            Judges::Pod(_) | Judges::Exec(_) | Judges::Image(_) => true,
            Judges::Dockerfile(_) | Judges::Node(_) => false,
        }
    }

    /// Whether the action `patch` can repair anything.
    #[must_use]
    pub const fn fixes(&self) -> bool {
        match self.pod() {
            Some(pod) => pod.fixes,
            None => false,
        }
    }

    /// What to do where no edit repairs a violation, as a clause of a sentence; empty where the edits always do.
    #[must_use]
    pub const fn instead(&self) -> &'static str {
        match &self.judges {
            Judges::Pod(pod) => pod.instead,
            Judges::Exec(exec) => exec.pod.instead,
            Judges::Dockerfile(file) => file.instead,
            Judges::Image(image) => image.instead,
            Judges::Node(node) => node.instead,
        }
    }

    /// The Pod Security Standards level whose check this rule agrees with.
    #[must_use]
    pub fn pss(&self) -> Option<Pss> {
        self.pod().and_then(|pod| pod.pss)
    }

    /// Rules whose violation at the same place says all that this one would say.
    #[must_use]
    pub fn implied_by(&self) -> &'static [Cause] {
        self.pod().map_or(&[], |pod| pod.implied_by)
    }

    /// Whether the rule judges connections to a pod.
    #[must_use]
    pub const fn judges_exec(&self) -> bool {
        matches!(self.judges, Judges::Exec(_))
    }

    /// All examples that are pods: those of pods, then those of connections.
    pub fn examples(&self) -> impl Iterator<Item = &'static Example> + use<> {
        let (pods, entered): (&[Example], &[ExecExample]) = match &self.judges {
            Judges::Pod(pod) => (pod.examples, &[]),
            Judges::Exec(exec) => (exec.pod.examples, exec.entered),
            Judges::Dockerfile(_) | Judges::Image(_) | Judges::Node(_) => (&[], &[]),
        };
        pods.iter().chain(entered.iter().map(ExecExample::example))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

/// For errors: the one of `names` that was probably meant. It differs from `given` in a quarter of its letters and one more
/// at most.
#[must_use]
pub fn nearest_name<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let distances = names.map(|name| (strsim::levenshtein(name, given), name));
    distances
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + given.len() / 4 && *distance < given.len())
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_programs_read_stay_what_they_are() {
        let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        assert_eq!(severities.map(Severity::as_str), ["low", "medium", "high", "critical"]);
        let levels = [Pss::Baseline, Pss::Restricted, Pss::Both];
        assert_eq!(levels.map(Pss::as_str), ["baseline", "restricted", "baseline, restricted"]);
    }
}
