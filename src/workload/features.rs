//! Which features a pod uses, so that rules about other features can be skipped.

use super::handler::Handler;
use super::pod::{Container, Pod, SecurityContext};
use bitflags::bitflags;

bitflags! {
    /// Features that most pods do not use and that some rules judge. A flag says only that the field is set: the rule must
    /// still judge its value.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct PodFeatures: u32 {
        /// `hostNetwork`, `hostPID` or `hostIPC`, set to true.
        const HOST_NAMESPACES = 1;
        const VOLUMES = 1 << 1;
        const HOST_PATHS = 1 << 2;
        const MOUNT_PROPAGATION = 1 << 3;
        const VOLUME_DEVICES = 1 << 4;
        /// Limits or requests of extended resources.
        const EXTENDED_RESOURCES = 1 << 5;
        const PORTS = 1 << 6;
        const HOST_PORTS = 1 << 7;
        const PROBES = 1 << 8;
        const LIFECYCLE = 1 << 9;
        /// A host in a probe or a lifecycle handler.
        const HANDLER_HOSTS = 1 << 10;
        /// A command, or arguments.
        const COMMANDS = 1 << 11;
        const ENV = 1 << 12;
        /// `privileged`, set to true.
        const PRIVILEGED = 1 << 13;
        const WINDOWS_OPTIONS = 1 << 14;
        /// The field. The annotation of the same purpose is in [`Self::ANNOTATIONS`].
        const APP_ARMOR = 1 << 15;
        const SE_LINUX = 1 << 16;
        const PROC_MOUNT = 1 << 17;
        const SYSCTLS = 1 << 18;
        /// Annotations that later became fields.
        const ANNOTATIONS = 1 << 19;
        const RESTART_RULES = 1 << 20;
        /// The pod is the template of a Job.
        const JOB = 1 << 21;
        /// The effect of NetworkPolicies on the pod is known.
        const INGRESS = 1 << 22;
        /// The request opens a connection to the pod.
        const CONNECT = 1 << 23;
        /// Device claims of the pod or of a container.
        const CLAIMS = 1 << 24;
        /// Something is known of the pod's images, or that nothing is.
        const IMAGES = 1 << 25;
        /// Set for every pod. For rules that judge missing fields.
        const SPEC = 1 << 31;
    }
}

impl PodFeatures {
    /// The features of a pod, in one walk.
    #[must_use]
    pub fn of(pod: &Pod<'_>) -> Self {
        let spec = &pod.spec;
        let mut features = Self::SPEC
            | when(Self::HOST_NAMESPACES, [spec.host_network, spec.host_pid, spec.host_ipc].contains(&Some(true)))
            | when(Self::VOLUMES, !spec.volumes.is_empty())
            | when(Self::HOST_PATHS, spec.volumes.iter().any(|volume| volume.host_path.is_some()))
            | when(Self::ANNOTATIONS, !pod.metadata.annotations.is_empty())
            | when(Self::JOB, pod.job.is_some())
            | when(Self::CLAIMS, !spec.resource_claims.is_empty())
            | when(Self::INGRESS, pod.context.ingress.is_some())
            | when(Self::CONNECT, pod.context.connect.is_some())
            | when(Self::IMAGES, pod.context.images.is_some());
        if let Some(context) = &spec.security_context {
            features |= when(Self::WINDOWS_OPTIONS, context.windows_options.is_some())
                | when(Self::APP_ARMOR, context.app_armor_profile.is_some())
                | when(Self::SE_LINUX, context.se_linux_options.is_some())
                | when(Self::SYSCTLS, !context.sysctls.is_empty());
        }
        pod.all_containers().fold(features, |features, container| features | Self::of_container(&container))
    }

    fn of_container(container: &Container<'_>) -> Self {
        let probes = [&container.liveness_probe, &container.readiness_probe, &container.startup_probe];
        let mut features =
            when(Self::MOUNT_PROPAGATION, container.volume_mounts.iter().any(|m| m.mount_propagation.is_some()))
                | when(Self::VOLUME_DEVICES, !container.volume_devices.is_empty())
                | when(Self::PORTS, !container.ports.is_empty())
                | when(Self::HOST_PORTS, container.ports.iter().any(|port| port.host_port.is_some()))
                | when(Self::PROBES, probes.iter().any(|probe| probe.is_some()))
                | when(Self::HANDLER_HOSTS, probes.into_iter().flatten().any(|probe| has_host(probe)))
                | when(Self::COMMANDS, !container.command.is_empty() || !container.args.is_empty())
                | when(Self::ENV, !container.env.is_empty())
                | when(Self::RESTART_RULES, !container.restart_policy_rules.is_empty());
        if let Some(lifecycle) = &container.lifecycle {
            let mut handlers = [&lifecycle.post_start, &lifecycle.pre_stop].into_iter().flatten();
            features |= Self::LIFECYCLE | when(Self::HANDLER_HOSTS, handlers.any(has_host));
        }
        if let Some(resources) = &container.resources {
            let mut lists = [&resources.limits, &resources.requests].into_iter().flatten();
            features |= when(Self::EXTENDED_RESOURCES, lists.any(|list| !list.extended.is_empty()))
                | when(Self::CLAIMS, !resources.claims.is_empty());
        }
        match &container.security_context {
            Some(context) => features | Self::of_context(context),
            None => features,
        }
    }

    fn of_context(context: &SecurityContext<'_>) -> Self {
        when(Self::PRIVILEGED, context.privileged == Some(true))
            | when(Self::WINDOWS_OPTIONS, context.windows_options.is_some())
            | when(Self::APP_ARMOR, context.app_armor_profile.is_some())
            | when(Self::SE_LINUX, context.se_linux_options.is_some())
            | when(Self::PROC_MOUNT, context.proc_mount.is_some())
    }
}

fn when(feature: PodFeatures, is_used: bool) -> PodFeatures {
    if is_used { feature } else { PodFeatures::empty() }
}

fn has_host(handler: &Handler<'_>) -> bool {
    [&handler.http_get, &handler.tcp_socket].into_iter().flatten().any(|request| request.host.is_some())
}
