//! Where a manifest comes from. What a tool wrote is not edited: the tool would write it again.

use super::other_tools;
use crate::cli::input::kustomize::{self, Role};
use crate::manifest::{Document, Object};
use crate::text::clean;
use std::path::Path;

/// What is known of a file.
pub struct Origin {
    name: String,
    /// The files that helm names in its output, with their lines.
    helm: Vec<(usize, String)>,
    /// What a kustomization has to do with it.
    kustomize: Option<String>,
}

/// How helm begins each manifest.
const SOURCE: &str = "# Source: ";
/// What kustomize adds where a kustomization asks for it.
const KUSTOMIZE_ORIGIN: &str = "config.kubernetes.io/origin";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const HELM_CHART: &str = "helm.sh/chart";

impl Origin {
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut helm = Vec::new();
        if memchr::memmem::find(bytes, SOURCE.as_bytes()).is_some() {
            let lines = text.lines().enumerate();
            helm.extend(lines.filter_map(|(index, line)| Some((index + 1, source(line)?))));
        }
        let kustomize = match kustomize::role(Path::new(name)) {
            Some(Role::Patch(by)) => Some(kustomize::is_patch_of(&by)),
            Some(Role::Unknown(beside)) => Some(format!(
                "{0} does not list it, so it may be what kustomize made; edit what {0} lists, or list it there",
                beside.display()
            )),
            Some(Role::Resource) | None => None,
        };
        Self { name: name.to_owned(), helm, kustomize }
    }

    /// Whether no object of the document is judged.
    pub fn is_passed_over(&self, document: &Document) -> bool {
        other_tools::chart_template(&self.name, document.has_braces).is_some()
    }

    /// Why an object is not edited. None if it is its own source.
    pub fn bars(&self, document: &Document, object: &Object<'_>) -> Option<String> {
        let line = document.root.at.line;
        let before = self.helm.iter().rfind(|(source, _)| *source <= line).or(self.helm.first());
        if let Some((_, source)) = before {
            return Some(format!("helm made it from {}; edit it there", clean(source, 1000)));
        }
        let label = |group: &str, key: &str| object.node.get("metadata")?.get(group)?.get(key)?.as_str();
        if let Some(chart) = label("labels", HELM_CHART) {
            return Some(format!("helm made it from the chart {}; edit it there", clean(chart, 100)));
        }
        if let Some(origin) = label("annotations", KUSTOMIZE_ORIGIN) {
            let path = origin.lines().find_map(|line| line.trim().strip_prefix("path: ")).unwrap_or("another file");
            return Some(format!("kustomize made it from {}; edit it there", clean(path, 1000)));
        }
        if label("labels", MANAGED_BY).is_some_and(|by| by.starts_with("kustomize")) {
            return Some("kustomize made it; edit what its kustomization lists".to_owned());
        }
        if let Some(reason) = &self.kustomize {
            return Some(reason.clone());
        }
        document.has_braces.then(|| "its document has `{{`, as templates do; edit it by hand".to_owned())
    }
}

/// The file that a line of helm's output names.
fn source(line: &str) -> Option<String> {
    let path = line.trim_start_matches("--- ").strip_prefix(SOURCE)?.trim();
    // People name the page that they copied from in the same way.
    (path.contains('/') && !path.contains("://") && !path.contains(' ')).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_names_a_file_and_people_name_a_page() {
        assert_eq!(source("# Source: shop/templates/web.yaml").as_deref(), Some("shop/templates/web.yaml"));
        assert_eq!(source("--- # Source: shop/templates/web.yaml").as_deref(), Some("shop/templates/web.yaml"));
        assert_eq!(source("# Source: https://example.com/web.yaml"), None);
        assert_eq!(source("  # Source: the wiki"), None);
    }
}
