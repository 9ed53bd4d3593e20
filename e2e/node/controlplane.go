package node

import (
	"context"
	"fmt"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

func (n *Node) startControlPlane(ctx context.Context) error {
	key, err := harness.WriteServerFiles(n.dir, n.token)
	if err != nil {
		return err
	}
	certDir := filepath.Join(n.dir, "apiserver")
	_, err = n.startTool("etcd", "--data-dir="+filepath.Join(n.dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn")
	if err != nil {
		return err
	}
	server, err := n.startTool("kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--bind-address="+Address, "--advertise-address="+Address, "--secure-port=6443", "--cert-dir="+certDir,
		"--token-auth-file="+filepath.Join(n.dir, "tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key, "--service-account-signing-key-file="+key,
		"--service-cluster-ip-range="+serviceRange, "--allow-privileged=true", "--kubelet-preferred-address-types=InternalIP",
		"--kubelet-client-certificate="+filepath.Join(n.dir, kubeletClientCert), "--kubelet-client-key="+filepath.Join(n.dir, kubeletClientKey), "--disable-admission-plugins=PodSecurity")
	if err != nil {
		return err
	}
	if err := n.await(ctx, "kube-apiserver ready", server, "get", "--raw", "/readyz"); err != nil {
		return err
	}
	_, err = n.startTool("kube-controller-manager", "--kubeconfig="+n.Kubeconfig, "--leader-elect=false", "--use-service-account-credentials=false",
		"--service-account-private-key-file="+key, "--root-ca-file="+filepath.Join(certDir, "apiserver.crt"))
	if err != nil {
		return err
	}
	_, err = n.startTool("kube-scheduler", "--kubeconfig="+n.Kubeconfig, "--leader-elect=false")
	if err != nil {
		return err
	}
	_, err = n.startTool("kube-proxy", "--kubeconfig="+n.Kubeconfig, "--proxy-mode=nftables", "--hostname-override="+nodeName,
		"--cluster-cidr="+podRange, "--conntrack-max-per-core=0")
	return err
}

func (n *Node) startTool(name string, args ...string) (*harness.Process, error) {
	return n.space.start(name, n.dir, n.tools.Path(name), args...)
}

// await runs kubectl until it ends well. The process is what it waits for.
func (n *Node) await(ctx context.Context, what string, process *harness.Process, args ...string) error {
	return harness.Await(ctx, what, func(context.Context) (bool, error) {
		if err := process.Exited(); err != nil {
			return false, harness.Fatal{Err: err}
		}
		said, err := n.kubectl(args...)
		if err != nil {
			return false, fmt.Errorf("%s; %s says: %s", said, process.Name, process.LogTail(3))
		}
		return true, nil
	})
}
