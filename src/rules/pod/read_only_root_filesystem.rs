//! `securityContext.readOnlyRootFilesystem` of any container.

use super::limits::Amount;
use crate::image::known::ImageTraits;
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Remark, Rule, Scope, Severity, compile,
    display_flag, params,
};
use crate::workload::{ContainerKind, ContainerRef, Pod, path};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub static RULE: Rule = Rule {
    id: "read-only-root-filesystem",
    title: "Containers run with a read-only root file system",
    docs: "`readOnlyRootFilesystem` must be `true` on every container, so that an attacker cannot replace a program or \
add one. Paths that the program writes to get a volume of their own.\n\n\
The repair sets `true` and mounts an emptyDir with a size limit on each path of `writable` (default `/tmp`), except on \
paths that are in a volume already, in any spelling. A debug container cannot bring volumes, so there the repair sets \
only the field. Where podreeve knows the image, it also mounts an emptyDir on each `VOLUME`, on the `WORKDIR` and on the folders \
of known programs, unless the image has files there, which an emptyDir would hide.\n\n\
A pod that can run on Windows nodes alone (by `nodeSelector`, affinity or its node) but lacks `spec.os.name: windows` \
is judged as a Linux pod, as the API server does; the rule repairs nothing in it, and the finding says to set that \
name.",
    why: "on a writable root file system an attacker can replace programs and keep tools across restarts of a process",
    owasp: &[12, 65],
    severity: Severity::Medium,
    params: params::<ReadOnlyRootFilesystem>,
    judges: Judges::Pod(PodRule {
        instead: "set it to true, and mount an emptyDir where the program writes",
        linux_only: true,
        fixes: true,
        implied_by: &[Cause::container("privileged")],
        compile: compile::<ReadOnlyRootFilesystem>,
        examples: &[
            Example::bad(
                "not set",
                r#"{"securityContext":{"readOnlyRootFilesystem":null}}"#,
                &["securityContext.readOnlyRootFilesystem"],
            ),
            Example::bad(
                "false",
                r#"{"securityContext":{"readOnlyRootFilesystem":false}}"#,
                &["securityContext.readOnlyRootFilesystem"],
            ),
            Example::bad("no securityContext", r#"{"securityContext":null}"#, &["securityContext.readOnlyRootFilesystem"]),
            Example::bad(
                "/tmp is mounted already",
                r#"{"securityContext":{"readOnlyRootFilesystem":false},"volumeMounts":[{"name":"tmp","mountPath":"/tmp/"}]}"#,
                &["securityContext.readOnlyRootFilesystem"],
            )
            .spec(r#"{"volumes":[{"name":"tmp","emptyDir":{"sizeLimit":"1Mi"}}]}"#),
            Example::bad(
                "/tmp is mounted already, in another spelling",
                r#"{"securityContext":{"readOnlyRootFilesystem":false},"volumeMounts":[{"name":"tmp","mountPath":"//var/../tmp/."}]}"#,
                &["securityContext.readOnlyRootFilesystem"],
            )
            .spec(r#"{"volumes":[{"name":"tmp","emptyDir":{"sizeLimit":"1Mi"}}]}"#),
            Example::bad(
                "a writable path lies in a volume",
                r#"{"securityContext":{"readOnlyRootFilesystem":false},"volumeMounts":[{"name":"cache","mountPath":"/var/cache"}]}"#,
                &["securityContext.readOnlyRootFilesystem"],
            )
            .spec(r#"{"volumes":[{"name":"cache","emptyDir":{"sizeLimit":"1Mi"}}]}"#)
            .params(r#"{"writable":["/var/cache/nginx"]}"#),
            Example::bad(
                "several writable paths",
                r#"{"securityContext":{"readOnlyRootFilesystem":false}}"#,
                &["securityContext.readOnlyRootFilesystem"],
            )
            .params(r#"{"writable":["/tmp","/var/cache/nginx"]}"#),
            Example::good("true", r#"{"securityContext":{"readOnlyRootFilesystem":true}}"#),
            Example::good("Windows has no such field", r#"{"securityContext":{"readOnlyRootFilesystem":null}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `read-only-root-filesystem`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct ReadOnlyRootFilesystem {
    /// Absolute paths that the repair keeps writable, each by an emptyDir.
    #[serde(deserialize_with = "mount_paths")]
    writable: Vec<String>,
    /// Size limit of each such emptyDir, a Kubernetes quantity.
    #[serde(deserialize_with = "quantity_above_zero")]
    size_limit: String,
}

impl Default for ReadOnlyRootFilesystem {
    fn default() -> Self {
        Self { writable: vec!["/tmp".to_owned()], size_limit: "64Mi".to_owned() }
    }
}

/// Refuses paths on which no volume can be mounted, and drops a second spelling of a path: the API server would refuse every pod
/// that is repaired with them.
fn mount_paths<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let mut paths = Vec::<String>::deserialize(deserializer)?;
    for given in &paths {
        if !given.starts_with('/') || given.contains(':') || path::normalise(given) == "/" {
            let message =
                format!("`{given}` is no absolute path below / without a colon, on which a volume can be mounted");
            return Err(serde::de::Error::custom(message));
        }
    }
    let mut seen = std::collections::HashSet::new();
    paths.retain(|given| seen.insert(path::normalise(given).into_owned()));
    Ok(paths)
}

/// Refuses other texts, because the API server would refuse every pod that is repaired with them.
fn quantity_above_zero<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Amount::deserialize(deserializer).map(|amount| amount.text)
}

impl Check for ReadOnlyRootFilesystem {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        findings.of_each(pod.all_containers(), |container, findings| {
            let value = container.security_context.as_ref().and_then(|s| s.read_only_root_filesystem);
            if value == Some(true) {
                return;
            }
            let at = Location::security_context(container, "readOnlyRootFilesystem", value.is_some());
            findings.add(Finding::new(at, display_flag(value), "true").of_linux(pod));
        });
    }

    fn repairs_by_images(&self) -> bool {
        true
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let Some(container) = finding.container() else { return false };
        fix.suggest_only();
        let traits = pod.traits_of(container).filter(|traits| traits.layers_known);
        fix.remark(traits.map_or(NOTE.into(), |traits| note(container, traits, &self.size_limit)));
        fix.set_found(finding, true.into());
        fix.optional();
        if fix.scope == Scope::Pod {
            let own = self.writable.iter().map(String::as_str);
            let of_image = traits.into_iter().flat_map(|traits| &traits.writable).map(|path| &**path);
            // The repair keeps the policy's spelling of a path that the image has, too.
            let known = |path: &&str| !self.writable.iter().any(|own| path::normalise(own) == path::normalise(path));
            for (number, path) in own.chain(of_image.filter(known)).enumerate() {
                if !is_mounted(container, path) {
                    self.mount(pod, container, number, path, fix);
                }
            }
        }
        true
    }
}

const NOTE: &str = "mount an emptyDir where it writes, as on /tmp: caches, pid files";

/// The remark where the image is known: the emptyDirs are those that it needs.
fn note(container: ContainerRef<'_>, traits: &ImageTraits, size: &str) -> Remark {
    let not_mounted = |paths: &[Box<str>]| {
        let path = paths.iter().find(|path| !is_mounted(container, path) && !is_passing(path))?;
        Some(crate::text::clean(path, 100))
    };
    match (not_mounted(&traits.filled), not_mounted(&traits.volumes)) {
        (Some(path), _) => format!(
            "an emptyDir on {path} would hide files of the image; containerd keeps this VOLUME writable, without a limit"
        )
        .into(),
        (None, Some(path)) => format!(
            "what is in an emptyDir goes with the pod: for data that must stay, as on {path}, mount a PersistentVolumeClaim; {size} is an example"
        )
        .into(),
        (None, None) => format!("the emptyDirs are where the image says that it writes; {size} is an example").into(),
    }
}

/// Whether a program expects to find the folder empty when it starts.
fn is_passing(path: &str) -> bool {
    ["/tmp", "/run", "/var/run", "/var/tmp", "/var/cache"].iter().any(|folder| path::is_under(path, folder))
}

impl ReadOnlyRootFilesystem {
    fn mount(&self, pod: &Pod<'_>, container: ContainerRef<'_>, number: usize, path: &str, fix: &mut Fix) {
        // Each container gets a volume of its own, because containers did not share the path before.
        let list = match container.kind {
            ContainerKind::Init => "init",
            ContainerKind::Container => "app",
            ContainerKind::Ephemeral => "debug",
        };
        let name = || format!("writable-{list}-{}-{number}", container.index);
        let Some(name) = fix.free_volume_name(pod, name) else { return };
        let volumes = Location::spec().key("volumes", !pod.spec.volumes.is_empty());
        fix.append(&volumes, json!({"name": name, "emptyDir": {"sizeLimit": self.size_limit}}));
        let mounts = Location::container(container).key("volumeMounts", !container.volume_mounts.is_empty());
        fix.append(&mounts, json!({"name": name, "mountPath": path}));
    }
}

/// Whether a volume is mounted on this path or above it. An emptyDir there would hide the files of the volume.
fn is_mounted(container: ContainerRef<'_>, path: &str) -> bool {
    let path = path::normalise(path);
    let mut mounts = container.volume_mounts.iter().filter(|mount| !mount.mount_path.is_empty());
    mounts.any(|mount| path::is_under(&path, &path::normalise(&mount.mount_path)))
}
