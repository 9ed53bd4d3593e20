//! The types of the pod's volumes.

use super::removal;
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile, judged,
    params,
};
use crate::workload::volume::Volume;
use crate::workload::{Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;

/// Volumes whose content only the administrator of the cluster or the API provides.
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

/// All other types that the API has or had.
static OTHERS: [&str; 21] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

pub static RULE: Rule = Rule {
    id: "volume-types",
    title: "Only volumes that need no trust in the author are used",
    docs: "Volumes must be of the types `configMap`, `csi`, `downwardAPI`, `emptyDir`, `ephemeral`, `image`, \
`persistentVolumeClaim`, `projected` or `secret`. All others name storage directly (`hostPath`, `nfs`, `iscsi`, \
`gitRepo` and the like), so the author of the pod, and not the administrator, decides what the node mounts or runs. A \
volume of no type is an `emptyDir`: the API server makes it one.\n\n\
With `only`, the rule judges only the types named there. The list may include `csi`: with an inline `csi` volume the \
author decides what the driver mounts, which the standard leaves to those who install drivers. `allow` names types, or \
single drivers of `csi`, that pods may use all the same.\n\n\
Instead, let the administrator create a StorageClass or a PersistentVolume, and claim it.",
    why: "with a volume that names its storage directly, the author of the pod decides what the node mounts",
    owasp: &[60],
    severity: Severity::Medium,
    params: params::<VolumeTypes>,
    judges: Judges::Pod(PodRule {
        instead: "claim storage with a PersistentVolumeClaim",
        pss: Some(Pss::Restricted),
        implied_by: &[Cause::volume("runtime-socket"), Cause::volume("host-devices"), Cause::volume("host-path")],
        compile: compile::<VolumeTypes>,
        examples: &[
            Example::bad("NFS among good volumes", "", &["spec.volumes[1].nfs"]).spec(
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
            Example::bad(
                "only some types, and inline CSI among them",
                "",
                &["spec.volumes[1].iscsi", "spec.volumes[2].csi"],
            )
            .params(r#"{"only":["nfs","iscsi","rbd","flexVolume","gitRepo","csi"]}"#)
            .spec(
                r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","iscsi":{"targetPortal":"10.0.2.15:3260","iqn":"iqn.2001-04.com.example:storage","lun":0}},{"name":"c","csi":{"driver":"inline.csi.example.com"}},{"name":"d","hostPath":{"path":"/srv"}}]}"#,
            ),
            Example::bad("another driver than the one that is allowed", "", &["spec.volumes[1].csi"])
                .params(r#"{"only":["csi"],"allow":["csi/secrets-store.csi.k8s.io"]}"#)
                .spec(
                    r#"{"volumes":[{"name":"a","csi":{"driver":"secrets-store.csi.k8s.io"}},{"name":"b","csi":{"driver":"secrets-store.csi.k8s.io.example.com"}}]}"#,
                ),
            Example::bad("another type than the one that is allowed", "", &["spec.volumes[1].iscsi"])
                .params(r#"{"allow":["nfs"]}"#)
                .spec(
                    r#"{"volumes":[{"name":"a","nfs":{"server":"nfs.example.com","path":"/"}},{"name":"b","iscsi":{"targetPortal":"10.0.2.15:3260","iqn":"iqn.2001-04.com.example:storage","lun":0}}]}"#,
                ),
            Example::good("types and drivers that are allowed", "")
                .params(r#"{"only":["nfs","iscsi","csi"],"allow":["nfs","csi/secrets-store.csi.k8s.io"]}"#)
                .spec(
                    r#"{"volumes":[{"name":"a","nfs":{"server":"nfs.example.com","path":"/"}},{"name":"b","csi":{"driver":"secrets-store.csi.k8s.io"}},{"name":"c","hostPath":{"path":"/srv"}}]}"#,
                ),
            Example::good("no type at all is an emptyDir", "").spec(r#"{"volumes":[{"name":"a","nfs":null}]}"#),
            Example::good("all that are allowed", "").spec(
                r#"{"volumes":[{"name":"a","configMap":{"name":"a"}},{"name":"b","csi":{"driver":"csi.example.com"}},{"name":"c","downwardAPI":{"items":[]}},{"name":"d","emptyDir":{"sizeLimit":"1Mi"}},{"name":"e","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Mi"}}}}}},{"name":"f","image":{"reference":"registry.example.com/data@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},{"name":"g","persistentVolumeClaim":{"claimName":"g"}},{"name":"h","projected":{"sources":[]}},{"name":"i","secret":{"secretName":"i"},"nfs":null}]}"#,
            ),
            Example::good("no volumes", "").spec(r#"{"volumes":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `volume-types`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct VolumeTypes {
    /// The types that are judged, which may include `csi`; when left out, all but those of the restricted standard.
    #[serde(deserialize_with = "judged")]
    #[schemars(length(min = 1))]
    only: Option<Vec<Type>>,
    /// Types (`nfs`) and CSI drivers (`csi/secrets-store.csi.k8s.io`) that pods may use all the same. Default: none.
    allow: Vec<Allowed>,
}

/// A type of volume, as it is written in a pod.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Type(String);

impl TryFrom<String> for Type {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let known = || ALLOWED.iter().chain(&OTHERS);
        if known().any(|known| *known == name) {
            return Ok(Self(name));
        }
        let near = known().find(|known| known.eq_ignore_ascii_case(&name));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Err(format!("Kubernetes has no volume of type `{name}`{hint}"))
    }
}

/// `nfs`, or `csi/secrets-store.csi.k8s.io`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Allowed(String);

impl TryFrom<String> for Allowed {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once('/') {
            Some(("csi", driver)) if !driver.is_empty() && !driver.contains(['/', ' ']) => Ok(Self(text)),
            Some(_) => Err(format!("`{text}` is neither a type nor a CSI driver such as csi/secrets-store.csi.k8s.io")),
            None => Type::try_from(text).map(|known| Self(known.0)),
        }
    }
}

impl Check for VolumeTypes {
    fn requires(&self) -> PodFeatures {
        PodFeatures::VOLUMES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(source) = self.fault(volume) else { continue };
            let at = Location::spec().key("volumes", true).index(index).key(source, true);
            // The text has the name, so that a second volume is a violation of its own.
            let found = match driver(volume).filter(|_| source == "csi") {
                Some(driver) => format!("csi driver {driver} (volume {})", volume.name),
                None => format!("{source} (volume {})", volume.name),
            };
            findings.add(Finding::new(at, found, self.wanted()));
        }
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remark("claim storage with a PersistentVolumeClaim");
        finding.at.list_index().is_some_and(|index| removal::volume(pod, index, fix))
    }
}

impl VolumeTypes {
    /// The source that makes the volume a violation.
    fn fault<'v>(&self, volume: &'v Volume<'_>) -> Option<&'v str> {
        let sources = || volume.sources.iter().map(|source| &**source);
        match &self.only {
            Some(only) => {
                sources().find(|source| only.iter().any(|one| one.0 == *source) && !self.allows(volume, source))
            }
            // The API allows one source. If there are several, one allowed source is enough, as for upstream.
            None if sources().any(|source| ALLOWED.contains(&source) || self.allows(volume, source)) => None,
            None => sources().next(),
        }
    }

    fn allows(&self, volume: &Volume<'_>, source: &str) -> bool {
        let driver = driver(volume).filter(|_| source == "csi");
        self.allow.iter().any(|allowed| match allowed.0.strip_prefix("csi/") {
            Some(name) => driver == Some(name),
            None => allowed.0 == source,
        })
    }

    fn wanted(&self) -> String {
        let allowed = || self.allow.iter().map(|allowed| allowed.0.as_str());
        match &self.only {
            None => ALLOWED.into_iter().chain(allowed()).collect::<Vec<_>>().join(", "),
            Some(only) => {
                let types = only.iter().map(|one| one.0.as_str()).collect::<Vec<_>>().join(", ");
                let but = allowed().collect::<Vec<_>>().join(", ");
                if but.is_empty() { format!("none of {types}") } else { format!("none of {types}, but {but}") }
            }
        }
    }
}

fn driver<'v>(volume: &'v Volume<'_>) -> Option<&'v str> {
    volume.csi.as_ref().and_then(|csi| csi.driver.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowed_entry_is_a_type_or_a_driver() {
        for good in ["nfs", "csi", "csi/secrets-store.csi.k8s.io"] {
            assert!(Allowed::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "csi/", "csi/a/b", "csi/a b", "nfs/x", "NFS", "disk"] {
            assert!(Allowed::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        let error = Type::try_from("flexvolume".to_owned()).unwrap_err();
        assert_eq!(error, "Kubernetes has no volume of type `flexvolume`; did you mean `flexVolume`?");
    }
}
