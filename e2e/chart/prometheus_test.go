package chart

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"podreeve.dev/e2e/harness"
)

// Every panel and every alert reads metrics that a running podreeve has, and a real Prometheus that scrapes it answers each
// with data.
func TestQueriesFindData(t *testing.T) {
	server := startPodreeve(t)
	panels, err := PanelQueries()
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := AlertQueries()
	if err != nil {
		t.Fatal(err)
	}
	server.judge(t)
	await(t, "a scan", func(context.Context) (bool, error) {
		return server.metrics(t).match(Selector{Metric: "podreeve_scan_namespace_violations"}), nil
	})
	metrics := server.metrics(t)
	for _, query := range append(append([]Query{}, panels...), alerts...) {
		for _, selector := range query.Selectors() {
			if !metrics.match(selector) {
				t.Errorf("%s: podreeve has no %s with %v", query.Where, selector.Metric, selector.Labels)
			}
		}
	}
	if len(panels) < 15 || len(alerts) < 8 || t.Failed() {
		t.Fatalf("%d panel queries, %d alerts", len(panels), len(alerts))
	}
	prometheus := startPrometheus(t, server)
	for _, query := range panels {
		prometheus.awaitData(t, server, query.Where, query.Expr)
	}
	for _, query := range alerts {
		if strings.HasPrefix(query.Expr, "absent(") {
			if rows, err := prometheus.query(query.Expr); err != nil || len(rows) > 0 {
				t.Errorf("%s: %v (%v), though podreeve runs", query.Where, rows, err)
			}
			continue
		}
		prometheus.awaitData(t, server, query.Where, query.Measured())
	}
}

// Each alert fires when it should and is quiet when it should be: testdata/alerts_test.yaml, by Prometheus' own tool.
func TestAlertsFire(t *testing.T) {
	promtool := prometheusTool(t, "promtool")
	cases := filepath.Join("testdata", "alerts_test.yaml")
	if out, err := exec.Command(promtool, "test", "rules", cases).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(cases)
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := AlertQueries()
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range alerts {
		if strings.Count(string(text), "alertname: "+alert.Where+"\n") < 2 {
			t.Errorf("%s is not tested both ways in %s", alert.Where, cases)
		}
	}
}

func prometheusTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("e2e: skipped, %s is not on PATH; apt-get install prometheus", name)
	}
	return path
}

type podreeveServer struct {
	https, admin string
	client       *http.Client
}

func startPodreeve(t *testing.T) podreeveServer {
	t.Helper()
	var addresses [2]string
	for i := range addresses {
		port, err := harness.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		addresses[i] = fmt.Sprintf("127.0.0.1:%d", port)
	}
	dir := t.TempDir()
	// A mild violation, which the mode holds back.
	policy := filepath.Join(dir, "mild.yaml")
	write(t, policy, "{apiVersion: podreeve.dev/v1alpha1, kind: Policy, metadata: {name: mild}, spec: {rules: {host-users: {action: deny}}}}")
	start(t, "podreeve", os.Getenv("PODREEVE_BIN"), "serve", "--listen", addresses[0], "--admin-listen", addresses[1],
		"--self-signed", filepath.Join(dir, "tls"), "--drain-delay", "0s", "--deny-from", "medium", "--policy", "owasp", "--policy", policy,
		"--cluster", "--kubeconfig", scannedCluster(t), "--namespace", "default", "--scan-interval", "1s")
	server := podreeveServer{https: "https://" + addresses[0], admin: "http://" + addresses[1], client: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}} // who answers is not the question here
	await(t, "podreeve ready", func(context.Context) (bool, error) {
		_, err := get(http.DefaultClient, server.admin+"/readyz")
		return err == nil, err
	})
	return server
}

// scannedCluster is an API server with a pod that a scan has something against.
func scannedCluster(t *testing.T) string {
	t.Helper()
	cluster := apiServer(t)
	namespace, err := cluster.Namespace(t.Context(), "scanned", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer := cluster.Create(t.Context(), cluster.GoodPod(namespace, "bad", harness.Privileged), false); answer.Err != nil {
		t.Fatal(answer.Err)
	}
	return cluster.Kubeconfig
}

// start runs a program until the test ends.
func start(t *testing.T, name, program string, args ...string) {
	t.Helper()
	process, err := harness.StartProcess(name, t.TempDir(), program, args, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Stop()
		if t.Failed() {
			t.Logf("%s:\n%s", name, process.LogTail(20))
		}
	})
}

func await(t *testing.T, what string, done func(context.Context) (bool, error)) {
	t.Helper()
	if err := harness.Await(t.Context(), what, done); err != nil {
		t.Fatal(err)
	}
}

func get(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", url, response.Status, body)
	}
	return string(body), err
}

// judge sends the recorded reviews, good and bad ones, to both webhooks.
func (s podreeveServer) judge(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Root(), "tests", "reviews", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reviews in tests/reviews: %v", err)
	}
	for _, file := range files {
		review, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, hook := range []string{"validate", "mutate"} {
			response, err := s.client.Post(s.https+"/"+hook, "application/json", bytes.NewReader(review))
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", file, response.Status)
			}
		}
	}
}

// series are the lines of /metrics.
type series []string

func (s podreeveServer) metrics(t *testing.T) series {
	t.Helper()
	text, err := get(http.DefaultClient, s.admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(text, "\n")
}

func (s series) match(selector Selector) bool {
	for _, line := range s {
		if strings.HasPrefix(line, selector.Metric+"{") || strings.HasPrefix(line, selector.Metric+" ") {
			if hasLabels(line, selector.Labels) {
				return true
			}
		}
	}
	return false
}

func hasLabels(line string, labels map[string]string) bool {
	for label, value := range labels {
		if !regexp.MustCompile(`[{,]` + label + `="(` + value + `)"`).MatchString(line) {
			return false
		}
	}
	return true
}

type prometheus struct{ url string }

func startPrometheus(t *testing.T, server podreeveServer) prometheus {
	t.Helper()
	program := prometheusTool(t, "prometheus")
	port, err := harness.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yaml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: podreeve\n  static_configs: [{targets: [%q]}]\n",
		strings.TrimPrefix(server.admin, "http://"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	start(t, "prometheus", program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	return prometheus{"http://" + address}
}

// row is one element of an instant vector.
type row struct {
	Metric map[string]string
	Value  [2]any
}

func (p prometheus) query(expr string) ([]row, error) {
	text, err := get(http.DefaultClient, p.url+"/api/v1/query?query="+url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct{ Data struct{ Result []row } }
	err = json.Unmarshal([]byte(text), &answer)
	return answer.Data.Result, err
}

// awaitData queries until there is data, and keeps podreeve at work meanwhile: a rate needs two scrapes with work between them.
func (p prometheus) awaitData(t *testing.T, server podreeveServer, where, expr string) {
	t.Helper()
	await(t, where+": data for "+expr, func(context.Context) (bool, error) {
		server.judge(t)
		rows, err := p.query(expr)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			if row.Value[1] != "NaN" {
				return true, nil
			}
		}
		return false, fmt.Errorf("%d rows, none with a number", len(rows))
	})
}
