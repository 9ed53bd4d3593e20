package node

import (
	"context"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

func (n *Node) startKubelet(ctx context.Context, pause string) error {
	containerd, err := n.space.start("containerd", n.dir, "containerd", "--config", filepath.Join(n.dir, "containerd.toml"))
	if err != nil {
		return err
	}
	err = harness.Await(ctx, "containerd ready", func(context.Context) (bool, error) {
		if err := containerd.Exited(); err != nil {
			return false, harness.Fatal{Err: err}
		}
		_, err := n.ctr("version")
		return err == nil, err
	})
	if err != nil {
		return err
	}
	archive, err := writeImage(n.dir, pauseImage, pause)
	if err != nil {
		return err
	}
	if err := n.LoadImage(archive); err != nil {
		return err
	}
	kubelet, err := n.startTool("kubelet", "--kubeconfig="+n.Kubeconfig, "--config="+filepath.Join(n.dir, "kubelet.yaml"),
		"--root-dir="+filepath.Join(n.dir, "kubelet"), "--node-ip="+Address, "--hostname-override="+nodeName)
	if err != nil {
		return err
	}
	return n.await(ctx, "the node Ready", kubelet, "wait", "--for=condition=Ready", "node/"+nodeName, "--timeout=1s")
}
