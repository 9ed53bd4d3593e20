package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"podreeve.dev/e2e/harness"
)

// row is what was measured at one size. Memory is in MiB, time in seconds.
type row struct {
	Namespaces, Pods int
	Nodes            int
	NodeCalls        int    // until every kubelet has been asked
	Facts            memory // watches of all facts, no scan
	Alone            memory // a scan without facts, reports and bound
	AloneSeconds     float64
	AloneCPU         float64
	All              memory // everything, as installed
	First, Later     scan
}

type memory struct{ Now, Peak float64 }

// scan is what podreeve's log says of one.
type scan struct {
	Calls, Reports, Events int
	Seconds                float64
}

// everything is a policy that needs labels of namespaces; with owasp, which needs pods and network policies, all
// that changes is watched.
const everything = "{podSecurityLabels: true, rules: {}}"

func measure(ctx context.Context, l *load) (row, error) {
	measured := row{Namespaces: l.namespaces, Pods: l.pods, Nodes: l.nodes}
	steps := []func(context.Context, *load, *row) error{facts, alone, all}
	for _, step := range steps {
		if err := step(ctx, l, &measured); err != nil {
			return measured, err
		}
	}
	return measured, nil
}

func serve(ctx context.Context, cluster *harness.Cluster, policies map[string]string, args ...string) (*harness.Podreeve, error) {
	return cluster.StartInCluster(ctx, policies, append(args, "--log-level", "info")...)
}

func facts(ctx context.Context, l *load, row *row) error {
	cluster, asked := l.cluster, l.kubelet.Asked.Load()
	before, err := requests(ctx, cluster, isList, "pods", "namespaces")
	if err != nil {
		return err
	}
	nodesBefore, err := requests(ctx, cluster, isListOrProxy, "nodes")
	if err != nil {
		return err
	}
	server, err := serve(ctx, cluster, map[string]string{"everything": everything}, "--policy", "owasp")
	if err != nil {
		return err
	}
	defer server.Stop()
	// Watches list pages of 100 first. Then nothing happens, and no CPU is used.
	wanted := float64(row.Pods+row.Namespaces) / 100
	var used float64
	err = await(ctx, "all pods are known", func() (bool, error) {
		now, err := requests(ctx, cluster, isList, "pods", "namespaces")
		if err != nil {
			return false, err
		}
		known := used
		if used, err = cpu(server.Pid()); err != nil {
			return false, err
		}
		return now-before >= wanted && l.kubelet.Asked.Load()-asked >= int64(row.Nodes) && used == known, nil
	})
	if err != nil {
		return err
	}
	nodes, err := requests(ctx, cluster, isListOrProxy, "nodes")
	if err != nil {
		return err
	}
	row.NodeCalls = int(nodes - nodesBefore)
	row.Facts, err = resident(server.Pid())
	return err
}

func alone(ctx context.Context, l *load, row *row) error {
	policy := map[string]string{"one": "{rules: {privileged: {action: deny}}}"}
	server, err := serve(ctx, l.cluster, policy, "--scan-interval", "1h", "--scan-rate", "1000")
	if err != nil {
		return err
	}
	defer server.Stop()
	done, err := scans(ctx, server, 1)
	if err != nil {
		return err
	}
	row.AloneSeconds = done[0].Seconds
	if row.AloneCPU, err = cpu(server.Pid()); err == nil {
		row.Alone, err = resident(server.Pid())
	}
	return err
}

func all(ctx context.Context, l *load, row *row) error {
	// The interval is shorter than a scan, so that one follows the other.
	server, err := serve(ctx, l.cluster, map[string]string{"everything": everything}, "--policy", "owasp", "--scan-interval", "11s", "--reports", "openreports")
	if err != nil {
		return err
	}
	defer server.Stop()
	done, err := scans(ctx, server, 2)
	if err != nil {
		return err
	}
	row.First, row.Later = done[0], done[1]
	row.All, err = resident(server.Pid())
	return err
}

// scans waits until that many are done.
func scans(ctx context.Context, server *harness.Podreeve, n int) (done []scan, err error) {
	err = await(ctx, fmt.Sprintf("%d scans", n), func() (bool, error) {
		done = nil
		for line := range strings.Lines(server.Log()) {
			if !strings.Contains(line, "a scan is done") {
				continue
			}
			var said scan
			if err := json.Unmarshal([]byte(line), &said); err != nil {
				return false, fmt.Errorf("read the log: %q: %w", line, err)
			}
			done = append(done, said)
		}
		return len(done) >= n, server.Exited()
	})
	return done, err
}

// await polls for as long as it takes: the largest scan takes minutes.
func await(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func isList(labels string) bool { return strings.Contains(labels, `verb="LIST"`) }

func isListOrProxy(labels string) bool {
	return isList(labels) || strings.Contains(labels, `subresource="proxy"`)
}

// requests is how many of these the API server has answered.
func requests(ctx context.Context, cluster *harness.Cluster, which func(labels string) bool, resources ...string) (float64, error) {
	client, err := cluster.Clientset()
	if err != nil {
		return 0, err
	}
	text, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the API server's metrics: %w", err)
	}
	var total float64
	for line := range strings.Lines(string(text)) {
		labels, number, _ := strings.Cut(line, "} ")
		if !strings.HasPrefix(labels, "apiserver_request_total{") || !which(labels) ||
			!slices.ContainsFunc(resources, func(name string) bool { return strings.Contains(labels, fmt.Sprintf(`,resource=%q`, name)) }) {
			continue
		}
		count, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return 0, fmt.Errorf("read the API server's metrics: %q: %w", line, err)
		}
		total += count
	}
	return total, nil
}

// resident is the memory of a process, and the most it had.
func resident(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	read := func(key string) float64 {
		_, rest, _ := strings.Cut(string(text), key+":")
		kibibytes, _ := strconv.ParseFloat(strings.Fields(cmp.Or(rest, "0"))[0], 64)
		return kibibytes / 1024
	}
	return memory{Now: read("VmRSS"), Peak: read("VmHWM")}, nil
}

// cpu is the time that a process has used, in seconds.
func cpu(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// After the name, which may hold anything, the twelfth and thirteenth are ticks of 10 ms.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is %q", pid, text)
	}
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100, nil
}
