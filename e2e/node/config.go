package node

import (
	"fmt"
	"os"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

const (
	serviceRange = "10.96.0.0/24"
	podRange     = "10.244.0.0/24"
	pauseImage   = "podreeve/pause:e2e"
	nodeName     = "node"

	kubeletClientCert = "kubelet-client.crt"
	kubeletClientKey  = "kubelet-client.key"
)

// containerd's CRI, without what needs CAP_SYS_RESOURCE or a registry.
const containerdConfig = `version = 2
root = "%[1]s/containerd"
state = "%[1]s/state"
[grpc]
  address = "%[1]s/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pauseImage + `"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "%[2]s"
    conf_dir = "%[1]s/cni"
`

// A route for each pod, and no bridge: what goes through a Service comes back the same way.
const cniConfig = `{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp",
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "` + podRange + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %[1]s/kubelet-client-ca.crt}}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix://%[1]s/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: %[2]s
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
podPidsLimit: 512
clusterDNS: [10.96.0.10] # nobody answers there, and nobody asks
podLogsDir: %[1]s/logs
volumePluginDir: %[1]s/plugins
evictionHard: {nodefs.available: 1%%, imagefs.available: 1%%, memory.available: 32Mi}
imageGCHighThresholdPercent: 100
nodeStatusReportFrequency: 10s
syncFrequency: 10s
`

func (n *Node) writeConfigs() error {
	// The API server's own certificate for the kubelet. Everybody else shows a token, and needs the right.
	client, err := harness.NewClientKeyPair("system:masters")
	if err != nil {
		return fmt.Errorf("make the API server's certificate for the kubelet: %w", err)
	}
	for path, text := range map[string]string{
		"kubelet-client-ca.crt": string(client.CA), kubeletClientCert: string(client.Cert), kubeletClientKey: string(client.Key),
		"containerd.toml":   fmt.Sprintf(containerdConfig, n.dir, cniFolder()),
		"cni/pods.conflist": cniConfig,
		"kubelet.yaml":      fmt.Sprintf(kubeletConfig, n.dir, n.space.cgroup),
		"kubeconfig":        fmt.Sprintf(kubeconfig, Address, filepath.Join(n.dir, "apiserver", "apiserver.crt"), n.token),
	} {
		path = filepath.Join(n.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write the node's configuration: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the node's configuration: %w", err)
		}
	}
	return nil
}

// kubeconfig of an administrator; every component uses it.
const kubeconfig = `apiVersion: v1
kind: Config
current-context: node
clusters: [{name: node, cluster: {server: "https://%s:6443", certificate-authority: %s}}]
users: [{name: admin, user: {token: %s}}]
contexts: [{name: node, context: {cluster: node, user: admin}}]
`
