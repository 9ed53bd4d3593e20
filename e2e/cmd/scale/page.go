package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// text is the page; its figures are those of rows.
func text(rows []row) string {
	return strings.ReplaceAll(page, "{{table}}", table(rows)) + machine(rows)
}

func table(rows []row) string {
	var out strings.Builder
	out.WriteString("| namespaces | pods | nodes | facts | | scan alone | | as installed | first scan | | later scan | |\n")
	out.WriteString("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	out.WriteString("| | | | MiB | calls for nodes | peak MiB | seconds (CPU) | MiB (peak) | calls (reports, events) | seconds | calls (reports, events) | seconds |\n")
	for _, row := range rows {
		fmt.Fprintf(&out, "| %d | %d | %d | %.0f | %d | %.0f | %.1f (%.1f) | %.0f (%.0f) | %s | %.0f | %s | %.0f |\n", row.Namespaces, row.Pods, row.Nodes,
			row.Facts.Now, row.NodeCalls, row.Alone.Peak, row.AloneSeconds, row.AloneCPU, row.All.Now, row.All.Peak, row.First, row.First.Seconds, row.Later, row.Later.Seconds)
	}
	return out.String()
}

func (s scan) String() string { return fmt.Sprintf("%d (%d, %d)", s.Calls, s.Reports, s.Events) }

const page = `# What podreeve takes in large clusters

<!-- Written by ` + "`make scale`" + ` from what it measured; do not edit. -->

Each replica answers requests from its own memory, so more replicas give more throughput. One of them, the leader, also
keeps certificates, writes the status of Policies and Exemptions, and scans. So two things grow with a cluster: the facts that policies
need, in every replica, and the work of a scan, in the leader.

{{table}}
- **facts**: resident memory of a replica that watches all facts. ` + "`owasp`" + ` needs pods, network policies and nodes; ` + "`podSecurityLabels`" + ` needs the labels
  of namespaces. podreeve keeps only the fields that rules judge, and pods that are alike share one copy. The pods here are of one or two kinds, so names take most of the
  memory. A policy that needs no facts (no ` + "`exec-*`" + `, ` + "`network-policy`" + `, ` + "`namespaceSelector`" + ` or ` + "`podSecurityLabels`" + `) takes the memory of the next column.
- **calls for nodes**: the calls until a replica knows every node. It lists the metadata of the nodes once a minute, 500 at a time. It reads ` + "`podPidsLimit`" + ` from each kubelet once an hour,
  eight at a time. It reads a kubelet that does not answer again after a minute, then less and less often. Where the API
  server forbids this (` + "`rbac.nodesProxy`" + `), it makes at most eight calls a minute, for any number of nodes.
- **scan alone**: a leader whose policy needs no facts, with a thousand calls a second. Its memory is one page of 200 objects of each kind, for any number of
  namespaces, and what it knows of one namespace. That part grows with the largest namespace: some hundred bytes for each owner (a pod
  without one is its own) and for each owned ReplicaSet and Job, and 8 to 16 bytes for each finding. It keeps at most a thousand findings in full. So 100,000 Jobs in one
  namespace take some tens of MiB. For Events it keeps 8 to 16 bytes for each owner and rule that podreeve would deny, of 200,000 at most. The difference between seconds and
  CPU time is the wait for the API server.
- **as installed**: facts, scans at ten calls a second, and reports. One namespace in five has a Deployment that podreeve would deny, and an
  Event for it. Every namespace has warnings, and a report.
- **first scan**: every Event is new, and every report but those of the row above. At ten calls a second they take most of the calls.
- **later scan**: nothing has changed, so podreeve writes nothing.

Calls are those of the scan: one list for each 200 objects of a kind and of the reports' metadata, and all writes. ` + "`--scan-rate`" + ` spreads them.
`

// machine says where it was measured, and what was not.
func machine(rows []row) string {
	model := "an unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			name, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	text := fmt.Sprintf(`
Measured with %s, a real etcd and a real kube-apiserver on the same machine (%d processors, %s). Calls and memory are exact. Seconds include the other work of the machine.
Each namespace has ten pods, of one ReplicaSet of one Deployment, each with %d bytes that no rule judges. No pod runs. All nodes share one kubelet,
which only serves its configuration.
`, build, runtime.NumCPU(), model, filler)
	if len(rows) > 0 && rows[len(rows)-1].Pods < wanted {
		text += fmt.Sprintf("\nThe largest cluster of this run had %d pods; `make scale` goes up to %d, and this page then has that row. No figure here is extrapolated.\n", rows[len(rows)-1].Pods, wanted)
	}
	return text
}
