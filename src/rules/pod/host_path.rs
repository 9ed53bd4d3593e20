//! `hostPath` volumes, how they are mounted, and mounts that propagate to the node.

mod sensitive;

use super::removal;
use crate::rule::pss::{Level, Standard, Version};
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, NOT_SET, PodRule, Pss, Rule, Severity, compile,
    display_flag, params,
};
use crate::workload::{Pod, PodFeatures, path};
use schemars::JsonSchema;
use sensitive::is_sensitive;
use serde::Deserialize;
use std::collections::HashMap;

pub static RULE: Rule = Rule {
    id: "host-path",
    title: "No directory of the node is mounted, except allowed ones",
    docs: "A `hostPath` volume mounts files of the node into the pod. The rule allows only paths under an entry of \
`allow`, compared by whole path segments after resolving `//`, `.` and `..`; the longest entry decides. With \
`readOnly: true` in the entry, every mount of such a volume must say `readOnly: true`, which the repair sets. The \
severity is critical for directories that give the node away (`/`, `/etc`, `/proc`, `/var/lib/kubelet` and the like, \
and everything that contains them).\n\n\
A mount with `mountPropagation: Bidirectional` violates the rule by itself: what the container mounts there appears on \
the node and in every other pod. With `pss`, the rule judges only volumes, as upstream does.\n\n\
Instead, use a PersistentVolumeClaim, an emptyDir, a projected volume, or a CSI driver.",
    why: "files of the node include its credentials and programs, and a pod that can write them runs code on it",
    owasp: &[60, 35],
    severity: Severity::High,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "mount an allowed directory, an emptyDir or a PersistentVolumeClaim",
        pss: Some(Pss::Baseline),
        fixes: true,
        implied_by: &[Cause::volume("runtime-socket")],
        compile: compile::<HostPaths>,
        examples: &[
            Example::bad("a host path among good volumes", "", &["spec.volumes[1].hostPath.path"])
                .spec(
                    r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/srv/data"}},{"name":"c","configMap":{"name":"c"}}]}"#,
                )
                .no_repair(),
            Example::bad("several", "", &["spec.volumes[0].hostPath.path", "spec.volumes[1].hostPath.path"])
                .spec(r#"{"volumes":[{"name":"a","hostPath":{"path":"/root"}},{"name":"b","hostPath":{"path":"/etc"}}]}"#)
                .no_repair(),
            Example::bad("a host path without a path", "", &["spec.volumes[0].hostPath.path"])
                .spec(r#"{"volumes":[{"name":"a","hostPath":{}}]}"#)
                .no_repair(),
            Example::bad(
                "next to an allowed prefix",
                "",
                &[
                    "spec.volumes[1].hostPath.path",
                    "spec.volumes[2].hostPath.path",
                    "spec.volumes[3].hostPath.path",
                    "spec.volumes[4].hostPath.path",
                ],
            )
            .params(r#"{"allow":[{"prefix":"/srv/data"}]}"#)
            .spec(
                r#"{"volumes":[{"name":"a","hostPath":{"path":"/srv/data/x"}},{"name":"b","hostPath":{"path":"/srv/database"}},{"name":"c","hostPath":{"path":"/srv"}},{"name":"d","hostPath":{"path":"/SRV/data"}},{"name":"e","hostPath":{"path":"/proc/1/cwd/srv"}}]}"#,
            )
            .no_repair(),
            Example::bad(
                "steps back out of an allowed prefix",
                "",
                &["spec.volumes[0].hostPath.path", "spec.volumes[1].hostPath.path"],
            )
            .params(r#"{"allow":[{"prefix":"/srv/data"}]}"#)
            .spec(
                r#"{"volumes":[{"name":"a","hostPath":{"path":"/srv/data/../keys"}},{"name":"b","hostPath":{"path":"/srv/data/../../proc/1/root/srv/data/.."}}]}"#,
            )
            .no_repair(),
            Example::bad(
                "an allowed path mounted for writing",
                r#"{"volumeMounts":[{"name":"ok","mountPath":"/ok","readOnly":true},{"name":"logs","mountPath":"/a"},{"name":"logs","mountPath":"/b","readOnly":false},{"name":"free","mountPath":"/c"}]}"#,
                &["volumeMounts[1].readOnly", "volumeMounts[2].readOnly"],
            )
            .params(r#"{"allow":[{"prefix":"/srv/logs","readOnly":true},{"prefix":"/srv/logs/free"}]}"#)
            .spec(
                r#"{"volumes":[{"name":"ok","hostPath":{"path":"/srv/logs"}},{"name":"logs","hostPath":{"path":"//srv/logs/app/"}},{"name":"free","hostPath":{"path":"/srv/logs/free"}}]}"#,
            ),
            Example::bad(
                "of two entries for one prefix the strict one decides",
                r#"{"volumeMounts":[{"name":"logs","mountPath":"/a"}]}"#,
                &["volumeMounts[0].readOnly"],
            )
            .params(r#"{"allow":[{"prefix":"/srv/logs/"},{"prefix":"/srv/logs","readOnly":true},{"prefix":"/srv/logs"}]}"#)
            .spec(r#"{"volumes":[{"name":"logs","hostPath":{"path":"/srv/logs/app"}}]}"#),
            Example::bad(
                "mounts that propagate to the node",
                r#"{"securityContext":{"privileged":true,"allowPrivilegeEscalation":null},"volumeMounts":[{"name":"a","mountPath":"/a","mountPropagation":"HostToContainer"},{"name":"a","mountPath":"/b","mountPropagation":"Bidirectional"}]}"#,
                &["volumeMounts[1].mountPropagation"],
            )
            .spec(r#"{"volumes":[{"name":"a","emptyDir":{}}]}"#)
            .no_repair(),
            Example::bad(
                "Pod Security judges the volume, not its mounts",
                r#"{"securityContext":{"privileged":true,"allowPrivilegeEscalation":null},"volumeMounts":[{"name":"a","mountPath":"/a","mountPropagation":"Bidirectional"}]}"#,
                &["spec.volumes[0].hostPath.path"],
            )
            .params(r#"{"pss":"baseline","version":"v1.30"}"#)
            .spec(r#"{"volumes":[{"name":"a","hostPath":{"path":"/srv"}}]}"#)
            .no_repair()
            .no_debug(),
            Example::good(
                "allowed, in any spelling",
                r#"{"volumeMounts":[{"name":"a","mountPath":"/a"},{"name":"b","mountPath":"/b","readOnly":true}]}"#,
            )
            .params(r#"{"allow":[{"prefix":"/srv/data"},{"prefix":"/var/run/x","readOnly":true}]}"#)
            .spec(
                r#"{"volumes":[{"name":"a","hostPath":{"path":"//srv/./data/"}},{"name":"b","hostPath":{"path":"/run/x"}}]}"#,
            ),
            Example::good("a directory of a Windows node", r#"{"volumeMounts":[{"name":"a","mountPath":"C:\\logs"}]}"#)
                .params(r#"{"allow":[{"prefix":"C:\\logs"}]}"#)
                .spec(r#"{"os":{"name":"windows"},"volumes":[{"name":"a","hostPath":{"path":"c:\\Logs\\app"}}]}"#),
            Example::good("other volumes", "").spec(
                r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","persistentVolumeClaim":{"claimName":"b"}},{"name":"c","hostPath":null}]}"#,
            ),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `host-path`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// Directories of the node that pods may mount. Default: none.
    allow: Vec<Allowed>,
    /// Judge as this Pod Security Standard does: no volume passes, and mounts are not judged.
    pss: Option<Level>,
    /// The version of that standard. All versions say the same of host paths.
    version: Option<Version>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct HostPaths {
    allow: Vec<Allowed>,
    mounts: bool,
}

impl TryFrom<Params> for HostPaths {
    type Error = String;

    fn try_from(Params { allow, pss, version }: Params) -> Result<Self, String> {
        let standard = Standard::new(pss, version)?;
        if standard.is_some() && !allow.is_empty() {
            return Err("`pss` allows no host path, so it cannot be combined with `allow`".to_owned());
        }
        Ok(Self { allow, mounts: standard.is_none() })
    }
}

/// A directory of the node that pods may mount, with everything under it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Allowed {
    prefix: Prefix,
    /// Every mount of such a volume must be read-only. Default: false.
    #[serde(default)]
    read_only: bool,
}

/// An absolute path of a node, without `..`: `/var/log`, or `C:\logs` on Windows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Prefix(String);

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(prefix: String) -> Result<Self, String> {
        if !path::is_absolute(&prefix) {
            return Err(format!("`{prefix}` is not an absolute path"));
        }
        if prefix.split(['/', '\\']).any(|part| part == "..") {
            return Err(format!("`{prefix}` must not contain `..`"));
        }
        Ok(Self(path::normalise(&prefix).into_owned()))
    }
}

impl Check for HostPaths {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_PATHS | PodFeatures::MOUNT_PROPAGATION
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        // The volumes whose mounts must all be read-only, by name.
        let mut read_only: HashMap<&str, &str> = HashMap::new();
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(host_path) = &volume.host_path else { continue };
            let path = host_path.path.as_deref();
            let normal = path::normalise(path.unwrap_or_default());
            match self.allowed(&normal) {
                None => {
                    let at = Location::spec().key("volumes", true).index(index).key("hostPath", true);
                    let at = at.key("path", path.is_some());
                    let finding = Finding::new(at, path.unwrap_or(NOT_SET), self.wanted());
                    findings.add(finding.severity(if is_sensitive(&normal) {
                        Severity::Critical
                    } else {
                        RULE.severity
                    }));
                }
                Some(Allowed { read_only: true, .. }) => {
                    read_only.insert(&volume.name, path.unwrap_or_default());
                }
                Some(_) => {}
            }
        }
        for container in pod.all_containers() {
            for (index, mount) in container.volume_mounts.iter().enumerate() {
                let at = Location::container(container).key("volumeMounts", true).index(index);
                // The text has the names, so that a second mount is a violation of its own.
                if let Some(path) = read_only.get(&*mount.name).filter(|_| mount.read_only != Some(true)) {
                    let found = format!("{} (mount of {path} at {})", display_flag(mount.read_only), mount.mount_path);
                    findings.add(
                        Finding::new(at.key("readOnly", mount.read_only.is_some()), found, "true")
                            .why("the policy allows this directory of the node for reading only"),
                    );
                }
                if self.mounts && mount.mount_propagation.as_deref() == Some("Bidirectional") {
                    let found = format!("Bidirectional (mount of {} at {})", mount.name, mount.mount_path);
                    findings.add(
                        Finding::new(at.key("mountPropagation", true), found, "None or HostToContainer")
                            .why("what the container mounts there appears on the node and in every other pod"),
                    );
                }
            }
        }
    }

    fn fix(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let repairable = finding.at.last_key() == Some("readOnly");
        if repairable {
            fix.suggest_only();
            fix.set_found(finding, true.into());
        }
        repairable
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        match (finding.container(), finding.at.list_index()) {
            (Some(_), _) => {
                fix.remove(&finding.at);
                true
            }
            (None, Some(index)) => {
                fix.remark("keep the data in an emptyDir or a PersistentVolumeClaim");
                removal::volume(pod, index, fix)
            }
            (None, None) => false,
        }
    }
}

impl HostPaths {
    /// The entry that decides: the longest one; of equal ones, the strict one.
    fn allowed(&self, path: &str) -> Option<&Allowed> {
        let covering = self.allow.iter().filter(|allowed| path::is_under(path, &allowed.prefix.0));
        covering.max_by_key(|allowed| (allowed.prefix.0.len(), allowed.read_only))
    }

    fn wanted(&self) -> String {
        if self.allow.is_empty() {
            return "no hostPath volume".to_owned();
        }
        let prefixes: Vec<&str> = self.allow.iter().map(|allowed| allowed.prefix.0.as_str()).collect();
        format!("no hostPath volume, or one under {}", prefixes.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_an_absolute_path_without_steps_back() {
        for bad in ["", "var/log", "/var/../etc", "..", r"logs\x"] {
            assert!(Prefix::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
