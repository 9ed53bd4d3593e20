package node

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// needs are programs, and the Debian packages that have them.
var needs = [][2]string{
	{"unshare", "util-linux"}, {"nsenter", "util-linux"}, {"ip", "iproute2"}, {"containerd", "containerd"}, {"ctr", "containerd"},
	{"runc", "runc"}, {"nft", "nftables"}, {"buildah", "buildah"},
}

// cniFolders is where distributions put the CNI plugins.
var cniFolders = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// Missing says why no node can be had on this machine, or nothing.
func Missing() string {
	if runtime.GOOS != "linux" {
		return "containers are run on Linux; with kind: make e2e-kind"
	}
	if os.Geteuid() != 0 {
		return "it needs root; run sudo --preserve-env=PATH,HOME e2e/run release"
	}
	var packages []string
	for _, need := range needs {
		if _, err := exec.LookPath(need[0]); err != nil {
			packages = append(packages, need[1])
		}
	}
	if cniFolder() == "" {
		packages = append(packages, "containernetworking-plugins")
	}
	if len(packages) > 0 {
		return "it needs " + strings.Join(packages, " ") + "; apt-get install " + strings.Join(packages, " ")
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs", "tmpfs", "/run").CombinedOutput(); err != nil {
		return "this machine allows no namespaces of one's own: " + strings.TrimSpace(string(out))
	}
	return ""
}

func cniFolder() string {
	for _, folder := range cniFolders {
		if _, err := os.Stat(filepath.Join(folder, "ptp")); err == nil {
			return folder
		}
	}
	return ""
}
