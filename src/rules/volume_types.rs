//! The types of the pod's volumes.

use super::{Cause, Check, Example, Finding, Findings, Location, Pss, Rule, Severity, compile, params};
use crate::workload::{ContainerKind, Parts, Pod};
use schemars::JsonSchema;
use serde::Deserialize;

/// Volumes that bring nothing but what the cluster's administrator or the API provides.
static ALLOWED: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

pub static RULE: Rule = Rule {
    id: "volume-types",
    title: "Only volumes that need no trust in the author are used",
    docs: "Volumes are of the types `configMap`, `csi`, `downwardAPI`, `emptyDir`, `ephemeral`, `image`, \
`persistentVolumeClaim`, `projected` or `secret`. All others name storage directly (`hostPath`, `nfs`, `iscsi`, \
`gitRepo` and their like), so the author and not the administrator says what the node mounts or runs. A volume of no \
type is an `emptyDir`: the API server makes it one.\n\n\
Instead, let the administrator make a StorageClass or a PersistentVolume, and claim it.",
    why: "a volume that names its storage directly makes the node mount what the author of the pod wants",
    owasp: &[60],
    pss: Some(Pss::Restricted),
    severity: Severity::Medium,
    linux_only: false,
    lists: &ContainerKind::ALL,
    fixes: false,
    implied_by: &[Cause::volume("runtime-socket"), Cause::volume("host-devices"), Cause::volume("host-path")],
    compile: compile::<VolumeTypes>,
    params: params::<VolumeTypes>,
    examples: &[
        Example::bad("NFS beside good volumes", "", &["spec.volumes[1].nfs"]).spec(
            r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","nfs":{"server":"nfs.example.com","path":"/"}},{"name":"c","secret":{"secretName":"c"}}]}"#,
        ),
        Example::bad(
            "several, and one of the future",
            "",
            &[
                "spec.volumes[0].hostPath",
                "spec.volumes[1].gitRepo",
                "spec.volumes[2].flexVolume",
                "spec.volumes[3].volumeOfTheFuture",
            ],
        )
        .spec(
            r#"{"volumes":[{"name":"a","hostPath":{"path":"/srv"}},{"name":"b","gitRepo":{"repository":"https://example.com/x.git"}},{"name":"c","flexVolume":{"driver":"example.com/x"}},{"name":"d","volumeOfTheFuture":{"x":1}}]}"#,
        ),
        Example::good("no type at all is an emptyDir", "").spec(r#"{"volumes":[{"name":"a","nfs":null}]}"#),
        Example::good("all that are allowed", "").spec(
            r#"{"volumes":[{"name":"a","configMap":{"name":"a"}},{"name":"b","csi":{"driver":"csi.example.com"}},{"name":"c","downwardAPI":{"items":[]}},{"name":"d","emptyDir":{"sizeLimit":"1Mi"}},{"name":"e","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Mi"}}}}}},{"name":"f","image":{"reference":"registry.example.com/data@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},{"name":"g","persistentVolumeClaim":{"claimName":"g"}},{"name":"h","projected":{"sources":[]}},{"name":"i","secret":{"secretName":"i"},"nfs":null}]}"#,
        ),
        Example::good("no volumes", "").spec(r#"{"volumes":null}"#),
    ],
};

/// No parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VolumeTypes {}

impl Check for VolumeTypes {
    fn needs(&self) -> Parts {
        Parts::VOLUMES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(source) = volume.sources.first() else { continue };
            if volume.sources.iter().any(|source| ALLOWED.contains(&&**source)) {
                continue;
            }
            let at = Location::spec().key("volumes", true).index(index).key(source, true);
            // Named, so that an update cannot hide a new volume behind an old one.
            let found = format!("{} (volume {})", &**source, volume.name);
            findings.add(Finding::new(at, found, ALLOWED.join(", ")));
        }
    }
}
