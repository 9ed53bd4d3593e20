//! Devices of the node: paths under `/dev`, raw block volumes, extended resources, claims of devices.

mod device;
mod edit;

use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, NOT_EPHEMERAL, PodRule, Rule, Severity, compile,
    params,
};
use crate::workload::resources::PodClaim;
use crate::workload::{Pod, PodFeatures, path};
use device::{CLAIM, Device, TEMPLATE};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

pub static RULE: Rule = Rule {
    id: "host-devices",
    title: "No device of the node is given to a container, except allowed ones",
    docs: "There are four ways to a device: a `hostPath` under `/dev`, a raw block device in `volumeDevices`, an \
extended resource (`nvidia.com/gpu`, `example.com/fpga`) that a device plugin of the node provides, and dynamic \
resource allocation: `deviceclass.resource.kubernetes.io/<class>` as a resource, or a claim in `resourceClaims` that \
containers name in `resources.claims`. A pod may use none of them, except what `allow` names:\n\n\
* a path, which covers everything under it, by whole segments: `/dev/fuse`\n\
* an extended resource by its full name: `nvidia.com/gpu`, `deviceclass.resource.kubernetes.io/gpu`\n\
* a claim by the object that the pod names: `resourceclaimtemplates/gpu`, `resourceclaims/shared-gpu`\n\n\
A pod does not show the class of a claim; the ResourceClaim or ResourceClaimTemplate of its namespace does, and \
everybody who may create one there chooses its name and its class. So an entry for a claim is only as good as RBAC for \
these objects; if authors of pods may create them, exempt the containers instead. A raw block device cannot be allowed \
by name, because the author of the pod chooses its names: exempt the container that needs one.\n\n\
Instead, use a volume with a file system; for GPUs and the like, allow the resource that the device plugin offers and \
not the path.",
    why: "a device gives a container access to disks, memory and hardware of the node, and to the faults of its \
driver",
    owasp: &[74],
    severity: Severity::High,
    params: params::<HostDevices>,
    judges: Judges::Pod(PodRule {
        instead: "ask the operators to allow the device, or use a volume with a file system",
        lists: NOT_EPHEMERAL,
        implied_by: &[Cause::volume("runtime-socket")],
        compile: compile::<HostDevices>,
        examples: &[
            Example::bad("a path among good volumes", "", &["spec.volumes[1].hostPath.path"]).spec(
                r#"{"volumes":[{"name":"a","emptyDir":{}},{"name":"b","hostPath":{"path":"/dev/kvm","type":"CharDevice"}},{"name":"c","hostPath":{"path":"/devices"}}]}"#,
            ),
            Example::bad(
                "spellings of it",
                "",
                &[
                    "spec.volumes[0].hostPath.path",
                    "spec.volumes[1].hostPath.path",
                    "spec.volumes[2].hostPath.path",
                    "spec.volumes[3].hostPath.path",
                    "spec.volumes[4].hostPath.path",
                ],
            )
            .spec(
                r#"{"volumes":[{"name":"a","hostPath":{"path":"/dev/"}},{"name":"b","hostPath":{"path":"//dev//sda"}},{"name":"c","hostPath":{"path":"dev/./mem"}},{"name":"d","hostPath":{"path":"/dev/sda\n"}},{"name":"e","hostPath":{"path":"/proc/1/root/dev/sda"}}]}"#,
            ),
            Example::bad("steps back", "", &["spec.volumes[0].hostPath.path"])
                .spec(r#"{"volumes":[{"name":"a","hostPath":{"path":"/srv/../dev/sda"}}]}"#),
            Example::bad(
                "raw block devices",
                r#"{"volumeDevices":[{"name":"a","devicePath":"/dev/xvda"},{"name":"b","devicePath":"/x"}]}"#,
                &["volumeDevices[0].devicePath", "volumeDevices[1].devicePath"],
            )
            .spec(r#"{"hostUsers":null,"volumes":[{"name":"a","persistentVolumeClaim":{"claimName":"a"}},{"name":"b","persistentVolumeClaim":{"claimName":"b"}}]}"#),
            Example::bad(
                "a raw block device without a path",
                r#"{"volumeDevices":[{"name":"disk"}]}"#,
                &["volumeDevices[0].devicePath"],
            ),
            Example::bad(
                "an extended resource",
                r#"{"resources":{"limits":{"cpu":"1","nvidia.com/gpu":"1","example.com/none":"0"},"requests":{"nvidia.com/gpu":1}}}"#,
                &["resources.limits[\"nvidia.com/gpu\"]"],
            ),
            Example::bad(
                "requested only",
                r#"{"resources":{"limits":null,"requests":{"example.com/fpga":2}}}"#,
                &["resources.requests[\"example.com/fpga\"]"],
            ),
            Example::bad(
                "a device class",
                r#"{"resources":{"limits":{"deviceclass.resource.kubernetes.io/gpu":"1"},"requests":{"deviceclass.resource.kubernetes.io/gpu":"1"}}}"#,
                &["resources.limits[\"deviceclass.resource.kubernetes.io/gpu\"]"],
            ),
            Example::bad(
                "claims, one of which no container has",
                r#"{"resources":{"claims":[{"name":"a","request":"one"},{"name":"b"}]}}"#,
                &["spec.resourceClaims[2]", "resources.claims[0]", "resources.claims[1]"],
            )
            .spec(
                r#"{"resourceClaims":[{"name":"a","resourceClaimTemplateName":"gpu"},{"name":"b","resourceClaimName":"shared"},{"name":"c","resourceClaimTemplateName":"nic"}]}"#,
            ),
            Example::bad(
                "other claims than those on the list",
                r#"{"resources":{"claims":[{"name":"a"},{"name":"b"},{"name":"c"}]}}"#,
                &["resources.claims[1]", "resources.claims[2]"],
            )
            .params(r#"{"allow":["resourceclaimtemplates/gpu","deviceclass.resource.kubernetes.io/gpu"]}"#)
            .spec(
                r#"{"resourceClaims":[{"name":"a","resourceClaimTemplateName":"gpu"},{"name":"b","resourceClaimName":"gpu"},{"name":"c","resourceClaimTemplateName":"gpu2"}]}"#,
            ),
            Example::bad(
                "another device class than the one on the list",
                r#"{"resources":{"limits":{"deviceclass.resource.kubernetes.io/gpu":"1","deviceclass.resource.kubernetes.io/nic":"1"}}}"#,
                &["resources.limits[\"deviceclass.resource.kubernetes.io/nic\"]"],
            )
            .params(r#"{"allow":["deviceclass.resource.kubernetes.io/gpu"]}"#),
            Example::bad(
                "outside the list",
                r#"{"resources":{"limits":{"nvidia.com/gpu":"1","nvidia.com/gpu.shared":"1"}}}"#,
                &["spec.volumes[1].hostPath.path", "resources.limits[\"nvidia.com/gpu.shared\"]"],
            )
            .params(r#"{"allow":["nvidia.com/gpu","/dev/net"]}"#)
            .spec(
                r#"{"volumes":[{"name":"a","hostPath":{"path":"/dev/net/tun"}},{"name":"b","hostPath":{"path":"/dev/network"}}]}"#,
            ),
            Example::good("on the list", r#"{"resources":{"limits":{"nvidia.com/gpu":"1"}}}"#)
                .params(r#"{"allow":["nvidia.com/gpu","/dev/fuse"]}"#)
                .spec(r#"{"volumes":[{"name":"a","hostPath":{"path":"/dev//fuse"}}]}"#),
            Example::good("a claim on the list", r#"{"resources":{"claims":[{"name":"a"},{"name":"b"}]}}"#)
                .params(r#"{"allow":["resourceclaimtemplates/gpu","resourceclaims/shared"]}"#)
                .spec(
                    r#"{"resourceClaims":[{"name":"a","resourceClaimTemplateName":"gpu"},{"name":"b","resourceClaimName":"shared"}]}"#,
                ),
            Example::good(
                "resources of Kubernetes itself",
                r#"{"resources":{"limits":{"hugepages-2Mi":"4Mi","ephemeral-storage":"1Gi","memory":"1Gi"}}}"#,
            ),
            Example::good("no devices", r#"{"volumeDevices":null,"resources":null}"#).spec(r#"{"resourceClaims":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `host-devices`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct HostDevices {
    /// Devices that pods may use, each a path under `/dev`, the name of an extended resource or of a device class, or a claim
    /// (`resourceclaimtemplates/gpu`). Default: none.
    allow: Vec<Device>,
}

impl Check for HostDevices {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_PATHS | PodFeatures::VOLUME_DEVICES | PodFeatures::EXTENDED_RESOURCES | PodFeatures::CLAIMS
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(given) = volume.host_path.as_ref().and_then(|host| host.path.as_deref()) else { continue };
            let normal = path::normalise(given);
            let allowed = || self.allow.iter().any(|device| path::is_under(&normal, &device.0));
            if path::is_under(&normal, "/dev") && !allowed() {
                let at = Location::spec().key("volumes", true).index(index).key("hostPath", true).key("path", true);
                findings.add(Finding::new(at, given, self.wanted("no path under /dev")));
            }
        }
        self.claims(pod, findings);
        findings.of_each(pod.all_containers(), |container, findings| {
            let at = Location::container(container);
            for (index, device) in container.container.volume_devices.iter().enumerate() {
                let path = device.device_path.as_deref();
                let at = at.key("volumeDevices", true).index(index).key("devicePath", path.is_some());
                let found = format!("the raw block device {}", device.name);
                findings.add(Finding::new(at, found, "a volume with a file system"));
            }
            let Some(resources) = &container.container.resources else { return };
            let names = |list| resources.list(list).into_iter().flat_map(|list| &list.extended);
            // The API server requires both lists to be equal here, and fills in the requests: one finding is enough.
            let limited = |name| resources.limits.as_ref().is_some_and(|limits| limits.extended.contains_key(name));
            let requests = names("requests").filter(|(name, _)| !limited(*name)).map(|entry| ("requests", entry));
            for (list, (name, amount)) in names("limits").map(|entry| ("limits", entry)).chain(requests) {
                if &*amount.text != "0" && !self.allows(name) {
                    let at = at.key("resources", true).key(list, true).key(name, true);
                    let found = format!("{name}: {}", amount.text);
                    findings.add(Finding::new(at, found, self.wanted("no extended resource")));
                }
            }
        });
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        edit::suggest(pod, finding, fix)
    }
}

impl HostDevices {
    /// Judges claims where containers name them, and claims of the pod that no container names: their devices are reserved for
    /// the pod as well.
    fn claims<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let claims: HashMap<&str, &PodClaim<'_>> = pod.spec.resource_claims.iter().map(|c| (&*c.name, c)).collect();
        let mut used = HashSet::new();
        let mut of_containers = Vec::new();
        for container in pod.all_containers() {
            for (index, claim) in container.container.resources.iter().flat_map(|r| r.claims.iter().enumerate()) {
                used.insert(&*claim.name);
                let source = claims.get(&*claim.name).and_then(|claim| source(claim));
                if !source.as_ref().is_some_and(|source| self.allows(source)) {
                    let at = Location::container(container).key("resources", true).key("claims", true).index(index);
                    of_containers.push(Finding::new(
                        at,
                        claimed(&claim.name, source),
                        self.wanted("no claim of devices"),
                    ));
                }
            }
        }
        for (index, claim) in pod.spec.resource_claims.iter().enumerate() {
            let source = source(claim);
            if !used.contains(&*claim.name) && !source.as_ref().is_some_and(|source| self.allows(source)) {
                let at = Location::spec().key("resourceClaims", true).index(index);
                findings.add(Finding::new(at, claimed(&claim.name, source), self.wanted("no claim of devices")));
            }
        }
        findings.extend(of_containers);
    }

    fn allows(&self, name: &str) -> bool {
        self.allow.iter().any(|device| device.0 == name)
    }

    fn wanted(&self, nothing: &str) -> String {
        let allowed: Vec<&str> = self.allow.iter().map(|device| device.0.as_str()).collect();
        if allowed.is_empty() { nothing.to_owned() } else { format!("{nothing} but {}", allowed.join(", ")) }
    }
}

/// The object behind the claim, as `allow` names it. None if the pod names no object, or two.
fn source(claim: &PodClaim<'_>) -> Option<String> {
    match (&claim.resource_claim_name, &claim.resource_claim_template_name) {
        (Some(name), None) => Some(format!("{CLAIM}{name}")),
        (None, Some(name)) => Some(format!("{TEMPLATE}{name}")),
        _ => None,
    }
}

fn claimed(name: &str, source: Option<String>) -> String {
    match source {
        Some(source) => format!("the claim {name} ({source})"),
        None => format!("the claim {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_paths_or_resources() {
        for good in [
            "/dev/fuse",
            "/dev",
            "nvidia.com/gpu",
            "deviceclass.resource.kubernetes.io/gpu.example.com",
            "resourceclaims/gpu",
            "resourceclaimtemplates/gpu",
        ] {
            assert!(Device::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in
            ["", "/", "/etc", "/dev/../etc", "/devil", "cpu", "gpu", "kubernetes.io/x", "dev/fuse x", "resourceclaims/"]
        {
            assert!(Device::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
