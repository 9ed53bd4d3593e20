package e2e

// What does not reach podreeve as the example is written proves nothing here; the rule's own tests cover it. Both lists
// are checked both ways: what is missing in them fails, and what need not be in them any more.

// refusedByTheAPIServer names the examples (rule/example) that kube-apiserver does not let in, webhooks or not.
var refusedByTheAPIServer = []string{
	// No API server of this version accepts these; podreeve meets them in manifests, or from other versions.
	"apparmor-profile/a type in small letters",
	"apparmor-profile/annotations of containers that are not there",
	"apparmor-profile/no type",
	"cpu-request/a limit below its request",
	"cpu-request/negative",
	"cpu-request/not a quantity",
	"cpu-request/the pod's limit below the pod's request",
	"ephemeral-storage-limit/a limit below its request",
	"ephemeral-storage-limit/emptyDirs of a fraction of a byte, and of no quantity",
	"ephemeral-storage-limit/not a quantity",
	"host-devices/a raw block device without a path",
	"host-devices/requested only",
	"host-devices/steps back",
	"host-path/a host path without a path",
	"host-path/steps back out of an allowed prefix",
	"host-process/on the pod, and false on a container",
	"image-registries/a newline",
	"image-registries/no image",
	"image-tag/no image",
	"memory-limit/a limit below its request",
	"memory-limit/negative",
	"memory-limit/not a quantity",
	"memory-limit/not a quantity, and a default",
	"memory-limit/the pod's limit below the pod's request",
	"pids-limit/a limit of the pod",
	"pids-limit/above max",
	"pids-limit/above the default max",
	"pids-limit/not a quantity",
	"pids-limit/the nodes limit a pod that sets more",
	"pids-limit/zero",
	"proc-mount/Unmasked on the node's users",
	"proc-mount/a value of the future",
	"proc-mount/empty",
	"restart-limit/a rule without exit codes",
	"runtime-socket/a host path without a path is the root",
	"runtime-socket/steps back",
	"seccomp-profile/Localhost without a profile",
	"seccomp-profile/a profile without a type",
	"seccomp-profile/a type in another spelling",
	"seccomp-profile/annotations before v1.19",
	"seccomp-profile/before v1.19 fields do not count",
	"service-account-token/an account that needs it", // the account is not made here
	"sysctls/no name",
	"undeclared-ports/a host port with nothing behind it",
	"undeclared-ports/by a number as text",

	// One part of these is not valid; written in two, the rest would be proven here too.
	"capabilities/every spelling of SYS_ADMIN", // CAP_SYS_ADMIN needs allowPrivilegeEscalation true
	"memory-limit/the pod's limit is zero",     // beside a request
	"memory-limit/zero as a number",            // beside a request
	"memory-limit/zero is no limit",            // beside a request
}

// rewrittenByTheAPIServer names those in which it drops or adds what the example is about, before any webhook sees it.
var rewrittenByTheAPIServer = []string{
	"volume-types/several, and one of the future", // the unknown type is dropped
}
