//! Files of other tools among the manifests. They are recognised if they have no Kubernetes object, and passed over with a hint
//! what to run instead.

use crate::cli::input::{self, kustomize};
use crate::dockerfile::Dockerfile;
use crate::manifest::{Content, Node};
use std::path::{Path, PathBuf};

/// Why a document that is no Kubernetes object is passed over. None if it may be a manifest with a fault. `root` is the document,
/// if it can be read.
pub fn reason(name: &str, root: Option<&Node>, has_braces: bool) -> Option<String> {
    let path = Path::new(name);
    if kustomize::is_kustomization(path) {
        return Some(format!("a kustomization; {}", kustomize::remedy(path)));
    }
    if has_braces {
        return Some(template(path));
    }
    by_name(path).or_else(|| root.and_then(by_content))
}

/// Why a chart's template is passed over: it does not show what is applied, even if it can be read.
pub fn chart_template(name: &str, has_braces: bool) -> Option<String> {
    let path = Path::new(name);
    (has_braces && chart_of(path).is_some()).then(|| template(path))
}

/// Why a file with the name of a Dockerfile is none: a template, or something else. None for a Dockerfile, also for one with faults.
/// What a person names is meant as a Dockerfile, so its faults are errors.
pub fn no_dockerfile(name: &str, file: &Dockerfile<'_>, is_named: bool) -> Option<&'static str> {
    let is_template = || ["{{", "{%", "<%", "m4_", "@FROM"].iter().any(|mark| file.text().contains(mark));
    if !file.errors.is_empty() && is_template() {
        return Some("a template of a Dockerfile; to judge what it makes, pipe that to podreeve check --dockerfile -");
    }
    let path = Path::new(name);
    let is_exact = path.file_name().is_some_and(|name| input::is_exact(&name.to_string_lossy()));
    // The source of a generator has such a name, too, as in `Dockerfile.m4`.
    let first = file.instructions.first().map(|first| file.place(first.span.clone()).line);
    let is_before = |line: usize| first.is_none_or(|first| line < first);
    let has_faults = file.errors.first().is_some_and(|error| is_before(error.at.line));
    let is_meant = is_exact || (is_named && !file.errors.is_empty());
    if is_meant || !input::is_dockerfile(path) {
        return None;
    }
    if file.stages.is_empty() {
        return Some("no Dockerfile: it has no FROM");
    }
    has_faults.then_some("no Dockerfile: its first line is no instruction")
}

/// Why an object is passed over that only a tool reads, and no API server.
pub fn tool(name: &str, group: &str) -> Option<String> {
    let kustomization = group == "kustomize.config.k8s.io";
    kustomization.then(|| format!("a kustomization; {}", kustomize::remedy(Path::new(name))))
}

fn template(path: &Path) -> String {
    let chart = chart_of(path).map_or_else(|| "CHART".to_owned(), |chart| display(&chart));
    format!("a template (`{{{{`); to judge what it makes, run helm template {chart} | podreeve check -")
}

fn display(path: &Path) -> String {
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

/// The chart whose `templates` the file is in.
fn chart_of(path: &Path) -> Option<PathBuf> {
    let templates = path.ancestors().find(|above| above.file_name().is_some_and(|name| name == "templates"))?;
    templates.parent().filter(|chart| chart.join("Chart.yaml").is_file()).map(Path::to_path_buf)
}

/// Names of files that belong to a tool everywhere.
const TOOLS: [&str; 24] = [
    "package.json",
    "package-lock.json",
    "composer.json",
    "tsconfig.json",
    "renovate.json",
    "nx.json",
    "lerna.json",
    "angular.json",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "mkdocs.yml",
    "mkdocs.yaml",
    "codecov.yml",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "buildspec.yml",
    "cloudbuild.yaml",
    "appveyor.yml",
    "Taskfile.yml",
    "Taskfile.yaml",
    "buf.yaml",
    "buf.gen.yaml",
    "Pulumi.yaml",
];

fn by_name(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let stem = path.file_stem()?.to_string_lossy();
    let directory = path.parent().map_or_else(|| ".".to_owned(), display);
    let of = |part: &str| path.components().any(|component| component.as_os_str() == part);
    if matches!(&*name, "Chart.yaml" | "requirements.yaml") || stem.starts_with("values") || stem.ends_with("values") {
        let what = if stem.contains("values") { "values of a chart" } else { "a chart's own file" };
        return Some(format!(
            "{what}; to judge what the chart makes, run helm template {directory} | podreeve check -"
        ));
    }
    if stem.starts_with("docker-compose") || stem.starts_with("compose") {
        return Some("a Compose file; no cluster reads it".to_owned());
    }
    if of(".github") || name.starts_with(".gitlab-ci") || of(".gitlab") || of(".circleci") {
        return Some("a workflow; no cluster reads it".to_owned());
    }
    (name.starts_with('.') || TOOLS.contains(&&*name)).then(|| "a tool's file; no cluster reads it".to_owned())
}

fn by_content(root: &Node) -> Option<String> {
    let has = |key: &str| root.get(key).is_some();
    let is_any = |list: &Node, keys: &[&str]| match &list.content {
        Content::List(items) => items.iter().any(|item| keys.iter().all(|key| item.get(key).is_some())),
        Content::Map(members) => members.iter().any(|member| keys.iter().any(|key| member.value.get(key).is_some())),
        _ => false,
    };
    let what = match &root.content {
        // `on` is true in YAML 1.1.
        Content::Map(_) if has("jobs") && (has("true") || has("on")) => "a workflow; no cluster reads it",
        Content::Map(_) if has("runs") && has("name") => "a workflow's action; no cluster reads it",
        Content::Map(_) if root.get("services").is_some_and(|services| is_any(services, &["image", "build"])) => {
            "a Compose file; no cluster reads it"
        }
        Content::Map(_) if has("openapi") || has("swagger") || has("$schema") => "a schema; no cluster reads it",
        Content::List(_) if is_any(root, &["op", "path"]) => {
            "a JSON patch; to judge what it makes, run kubectl kustomize DIR | podreeve check -"
        }
        Content::List(_) if is_any(root, &["hosts"]) => "an Ansible playbook; no cluster reads it",
        _ => return None,
    };
    Some(what.to_owned())
}
