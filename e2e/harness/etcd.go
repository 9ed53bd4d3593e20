package harness

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
)

// startEtcd runs etcd without fsync (the data is thrown away) and waits until it answers.
func startEtcd(ctx context.Context, tools Tools, dir string) (*Process, string, error) {
	client, peer, err := twoPorts()
	if err != nil {
		return nil, "", err
	}
	clientURL, peerURL := loopback("http", client), loopback("http", peer)
	process, err := StartProcess("etcd", dir, tools.Path("etcd"), []string{
		"--data-dir=" + filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + clientURL, "--advertise-client-urls=" + clientURL,
		"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL, "--initial-cluster=default=" + peerURL,
	}, nil)
	if err != nil {
		return nil, "", err
	}
	err = Await(ctx, "etcd healthy", func(ctx context.Context) (bool, error) {
		return answersOK(ctx, process, http.DefaultClient, clientURL+"/health")
	})
	if err != nil {
		process.Kill()
		return nil, "", err
	}
	return process, clientURL, nil
}

// answersOK sends one request to a URL. When the process behind it has ended, there is nothing to wait for.
func answersOK(ctx context.Context, process *Process, client *http.Client, url string) (bool, error) {
	if err := process.Exited(); err != nil {
		return false, Fatal{err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, Fatal{err}
	}
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return true, nil
}

func twoPorts() (int, int, error) {
	first, err := FreePort()
	if err != nil {
		return 0, 0, err
	}
	second, err := FreePort()
	return first, second, err
}

func loopback(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }
