package e2e

// What does not reach podreeve as the example is written proves nothing here; the rule's own tests cover it. Both lists
// are checked both ways: what is missing in them fails, and what need not be in them any more.

// refusedByTheAPIServer names the examples (rule/example) that kube-apiserver does not let in, webhooks or not.
var refusedByTheAPIServer = []string{
	// No API server accepts these; podreeve meets them in manifests, or in an API server of another version.
	"cpu-request/negative",
	"host-path/a host path without a path",
	"memory-limit/negative",
	"memory-limit/not a quantity",
	"pids-limit/a limit of the pod",
	"pids-limit/above max",
	"pids-limit/above the default max",
	"pids-limit/the nodes bind a pod that asks for more",
	"pids-limit/zero",
	"proc-mount/a value of the future",
	"proc-mount/empty",
	"runtime-socket/a host path without a path is the root",
	"seccomp-profile/Localhost without a profile",
	"seccomp-profile/a profile without a type",
	"seccomp-profile/a type in another spelling",
	"seccomp-profile/annotations before v1.19",
	"seccomp-profile/before v1.19 fields do not count",
	"sysctls/no name",
	"undeclared-ports/a host port with nothing behind it",

	// These could be written so that the API server accepts them.
	"allow-privilege-escalation/Windows has no such field",
	"allow-privilege-escalation/the standard judged Windows before v1.25",
	"capabilities/Windows has no such field",
	"capabilities/every spelling of SYS_ADMIN",
	"capabilities/restricted judged Windows before v1.25",
	"capabilities/restricted leaves Windows alone",
	"host-ipc/hostIPC true",
	"host-network/hostNetwork true",
	"host-network/with the host port that the API server adds",
	"host-path/a directory of a Windows node",
	"host-path/ways out of an allowed prefix",
	"host-pid/hostPID true",
	"host-ports/added by the API server under hostNetwork",
	"host-process/another option",
	"host-process/false",
	"host-process/on a container",
	"host-process/on a pod that does not say its system",
	"host-process/on the pod",
	"host-process/on the pod, and false on a container",
	"host-users/Windows has no such field",
	"memory-limit/the pod's limit is zero",
	"memory-limit/zero as a number",
	"memory-limit/zero is no limit",
	"pids-limit/Windows has no such limit",
	"privileged-ports/the host port that the API server adds is told once",
	"proc-mount/Unmasked on the node's users",
	"read-only-root-filesystem/Windows has no such field",
	"run-as-non-root/Windows too",
	"runtime-socket/a named pipe",
	"runtime-socket/loopback is the node's under hostNetwork",
	"runtime-socket/other runtimes, and what lies in their directories",
	"runtime-socket/spellings of it",
	"seccomp-profile/Windows has no such field",
	"seccomp-profile/restricted judged Windows before v1.25",
	"undeclared-ports/by name, by number, and by a number as text",
}

// rewrittenByTheAPIServer names those in which it drops or adds what the example is about, before any webhook sees it.
var rewrittenByTheAPIServer = []string{
	"volume-types/no type at all",                 // becomes an emptyDir
	"volume-types/several, and one of the future", // the unknown type is dropped
}
