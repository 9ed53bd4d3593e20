//! Devices of the node: paths under `/dev`, raw block volumes, extended resources.

use super::{Cause, Check, Example, Finding, Findings, Location, NOT_EPHEMERAL, Rule, Severity, compile, params};
use crate::workload::{Parts, Pod, path, resources};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "host-devices",
    title: "No device of the node is given to a container, except allowed ones",
    docs: "Three ways lead to a device: a `hostPath` under `/dev`, a raw block device in `volumeDevices`, and an \
extended resource (`nvidia.com/gpu`, `example.com/fpga`) that a device plugin of the node answers. None may be used, but \
the paths and the resources of `allow`. A path there covers what lies under it, by whole segments; a resource there is a \
full name. A raw block device cannot be allowed by name, because the author of the pod chooses its names: exempt the \
container that needs one.\n\n\
Instead, use a volume with a file system; for GPUs and the like, allow the resource that the device plugin offers and \
not the path.",
    why: "a device reaches past the container into disks, memory and hardware of the node, and into its driver's faults",
    owasp: &[74],
    pss: None,
    severity: Severity::High,
    linux_only: false,
    lists: NOT_EPHEMERAL,
    fixes: false,
    implied_by: &[Cause::volume("runtime-socket")],
    compile: compile::<HostDevices>,
    params: params::<HostDevices>,
    examples: &[
        Example::bad("a path beside good volumes", "", &["spec.volumes[1].hostPath.path"]).spec(
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
        Example::good(
            "resources of Kubernetes itself",
            r#"{"resources":{"limits":{"hugepages-2Mi":"4Mi","ephemeral-storage":"1Gi","memory":"1Gi"}}}"#,
        ),
        Example::good("nothing of it", r#"{"volumeDevices":null,"resources":null}"#),
    ],
};

/// Parameters of `host-devices`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct HostDevices {
    /// Devices that pods may use, each a path under `/dev` or the name of an extended resource. Default: none.
    allow: Vec<Device>,
}

/// `/dev/fuse`, or `nvidia.com/gpu`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Device(String);

impl TryFrom<String> for Device {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if path::is_absolute(&text) {
            let normal = path::normalise(&text);
            let inside = path::is_under(&normal, "/dev") && !text.split('/').any(|part| part == "..");
            return if inside { Ok(Self(normal)) } else { Err(format!("`{text}` is no path under /dev")) };
        }
        if is_extended(&text) {
            return Ok(Self(text));
        }
        Err(format!("`{text}` is neither a path under /dev nor an extended resource such as nvidia.com/gpu"))
    }
}

impl Check for HostDevices {
    fn needs(&self) -> Parts {
        Parts::HOST_PATHS | Parts::VOLUME_DEVICES | Parts::EXTENDED_RESOURCES
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
        for container in pod.all_containers() {
            let at = Location::container(container);
            for (index, device) in container.container.volume_devices.iter().enumerate() {
                let path = device.device_path.as_deref();
                let at = at.key("volumeDevices", true).index(index).key("devicePath", path.is_some());
                let found = format!("the raw block device {}", device.name);
                findings.add(Finding::new(at, found, "a volume with a file system"));
            }
            let Some(resources) = &container.container.resources else { continue };
            let names = |list| resources.list(list).into_iter().flat_map(|list| &list.extended);
            // The API server wants both lists equal here, and fills in the requests: told once.
            let limited = |name| resources.limits.as_ref().is_some_and(|limits| limits.extended.contains_key(name));
            let requests = names("requests").filter(|(name, _)| !limited(*name)).map(|entry| ("requests", entry));
            for (list, (name, amount)) in names("limits").map(|entry| ("limits", entry)).chain(requests) {
                if &*amount.text != "0" && !self.allow.iter().any(|device| *device.0 == **name) {
                    let at = at.key("resources", true).key(list, true).key(name, true);
                    let found = format!("{name}: {}", amount.text);
                    findings.add(Finding::new(at, found, self.wanted("no extended resource")));
                }
            }
        }
    }
}

impl HostDevices {
    fn wanted(&self, nothing: &str) -> String {
        let allowed: Vec<&str> = self.allow.iter().map(|device| device.0.as_str()).collect();
        if allowed.is_empty() { nothing.to_owned() } else { format!("{nothing} but {}", allowed.join(", ")) }
    }
}

/// Whether a name is that of an extended resource: with a domain, and not one of Kubernetes.
fn is_extended(name: &str) -> bool {
    resources::is_extended(name) && !name.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_paths_or_resources() {
        for good in ["/dev/fuse", "/dev", "nvidia.com/gpu"] {
            assert!(Device::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "/", "/etc", "/dev/../etc", "/devil", "cpu", "gpu", "kubernetes.io/x", "dev/fuse x"] {
            assert!(Device::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
