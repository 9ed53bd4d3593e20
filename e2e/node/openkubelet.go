package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"podreeve.dev/e2e/harness"
)

// Ports of the open kubelet.
const (
	OpenPort         = 20250
	OpenReadOnlyPort = 20255
)

// openConfig lets everybody in: it is what the rules about kubelets fail. The kubelet has no API server, and a containerd of its own: it ends every
// pod that it does not know.
const openConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
port: 20250
readOnlyPort: 20255
healthzPort: 0
containerRuntimeEndpoint: unix://%[1]s/containerd.sock
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
podLogsDir: %[1]s/logs
volumePluginDir: %[1]s/plugins
`

// StartOpenKubelet starts a second kubelet beside the node's own, which answers everybody. end ends it.
func (n *Node) StartOpenKubelet(ctx context.Context) (end func() error, err error) {
	dir := filepath.Join(n.dir, "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for a second kubelet: %w", err)
	}
	for name, text := range map[string]string{
		"containerd.toml": fmt.Sprintf(containerdConfig, dir, cniFolder()), "kubelet.yaml": fmt.Sprintf(openConfig, dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("configure a second kubelet: %w", err)
		}
	}
	var started []string
	end = func() error {
		var failures []error
		for _, name := range started {
			// nsenter hands on no signal, so the program itself gets it.
			_, err := n.space.run("sh", "-ec", "kill -KILL $(cat "+filepath.Join(dir, name+".pid")+")")
			failures = append(failures, err)
		}
		return errors.Join(append(failures, os.RemoveAll(filepath.Join(dir, "kubelet")))...)
	}
	start := func(name, program string, args ...string) (*harness.Process, error) {
		words := append([]string{"-ec", "echo $$ > " + filepath.Join(dir, name+".pid") + `; exec "$@"`, "sh", program}, args...)
		process, err := n.space.start("open-"+name, n.dir, "sh", words...)
		if err == nil {
			started = append([]string{name}, started...)
		}
		return process, err
	}
	runs := func(name string, process *harness.Process, err error, works func() error) error {
		if err != nil {
			return err
		}
		return harness.Await(ctx, name, func(context.Context) (bool, error) {
			if err := process.Exited(); err != nil {
				return false, harness.Fatal{Err: err}
			}
			err := works()
			return err == nil, err
		})
	}
	containerd, err := start("containerd", "containerd", "--config", filepath.Join(dir, "containerd.toml"))
	err = runs("a second containerd", containerd, err, func() error {
		_, err := n.space.run("ctr", "--address", dir+"/containerd.sock", "version")
		return err
	})
	if err == nil {
		var kubelet *harness.Process
		kubelet, err = start("kubelet", n.tools.Path("kubelet"), "--config="+filepath.Join(dir, "kubelet.yaml"), "--root-dir="+filepath.Join(dir, "kubelet"),
			"--cert-dir="+filepath.Join(dir, "pki"), "--hostname-override=open", "--node-ip="+Address)
		err = runs("a second kubelet", kubelet, err, func() error {
			for _, port := range []int{OpenPort, OpenReadOnlyPort} {
				connection, err := n.Dial(ctx, "tcp", fmt.Sprintf("%s:%d", Address, port))
				if err != nil {
					return err
				}
				connection.Close()
			}
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return end, nil
}
