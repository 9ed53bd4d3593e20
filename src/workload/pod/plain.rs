//! The same keys that serde reads, filled in place; `tests/house/plain.rs` holds both to one another.

use super::{
    AppArmorProfile, Capabilities, Container, EnvVar, ExitCodes, FieldRef, Metadata, Os, Pod, PodSecurityContext,
    PodSpec, Port, RestartRule, SeLinuxOptions, SeccompProfile, SecurityContext, Sysctl, ValueFrom, VolumeDevice,
    VolumeMount, WindowsOptions,
};
use crate::json::fill;

fill!(Pod<'d> { "metadata" => metadata, "spec" => spec });
fill!(Metadata<'d> { "name" => name, "generateName" => generate_name, "annotations" => annotations, "labels" => labels });
fill!(PodSpec<'d> {
    "hostNetwork" => host_network,
    "hostPID" => host_pid,
    "hostIPC" => host_ipc,
    "hostUsers" => host_users,
    "automountServiceAccountToken" => automount_service_account_token,
    "serviceAccountName" => service_account_name,
    "restartPolicy" => restart_policy,
    "nodeName" => node_name,
    "nodeSelector" => node_selector,
    "affinity" => affinity,
    "os" => os,
    "runtimeClassName" => runtime_class_name,
    "securityContext" => security_context,
    "resources" => resources,
    "resourceClaims" => resource_claims,
    "volumes" => volumes,
    "initContainers" => init_containers,
    "containers" => containers,
    "ephemeralContainers" => ephemeral_containers,
});
fill!(Os<'d> { "name" => name });
fill!(PodSecurityContext<'d> {
    "runAsNonRoot" => run_as_non_root,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "fsGroup" => fs_group,
    "supplementalGroups" => supplemental_groups,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "seLinuxOptions" => se_linux_options,
    "windowsOptions" => windows_options,
    "sysctls" => sysctls,
});
fill!(Sysctl<'d> { "name" => name });
fill!(AppArmorProfile<'d> { "type" => kind });
fill!(SeLinuxOptions<'d> { "type" => kind, "user" => user, "role" => role });
fill!(WindowsOptions { "hostProcess" => host_process });
fill!(SeccompProfile<'d> { "type" => kind, "localhostProfile" => localhost_profile });
fill!(Container<'d> {
    "name" => name,
    "image" => image,
    "imagePullPolicy" => image_pull_policy,
    "command" => command,
    "args" => args,
    "securityContext" => security_context,
    "resources" => resources,
    "ports" => ports,
    "env" => env,
    "volumeMounts" => volume_mounts,
    "volumeDevices" => volume_devices,
    "livenessProbe" => liveness_probe,
    "readinessProbe" => readiness_probe,
    "startupProbe" => startup_probe,
    "lifecycle" => lifecycle,
    "restartPolicy" => restart_policy,
    "restartPolicyRules" => restart_policy_rules,
});
fill!(RestartRule<'d> { "exitCodes" => exit_codes });
fill!(ExitCodes<'d> { "operator" => operator });
fill!(SecurityContext<'d> {
    "privileged" => privileged,
    "allowPrivilegeEscalation" => allow_privilege_escalation,
    "readOnlyRootFilesystem" => read_only_root_filesystem,
    "runAsNonRoot" => run_as_non_root,
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "capabilities" => capabilities,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "seLinuxOptions" => se_linux_options,
    "windowsOptions" => windows_options,
    "procMount" => proc_mount,
});
fill!(Capabilities<'d> { "add" => add, "drop" => drop });
fill!(Port<'d> { "name" => name, "containerPort" => container_port, "hostPort" => host_port, "hostIP" => host_ip });
fill!(EnvVar<'d> { "name" => name, "value" => value, "valueFrom" => value_from });
fill!(ValueFrom<'d> { "fieldRef" => field_ref });
fill!(FieldRef<'d> { "fieldPath" => field_path });
fill!(VolumeMount<'d> {
    "name" => name,
    "mountPath" => mount_path,
    "readOnly" => read_only,
    "mountPropagation" => mount_propagation,
});
fill!(VolumeDevice<'d> { "name" => name, "devicePath" => device_path });
