package chart

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	documentedMetric = regexp.MustCompile("(?m)^\\| `(podreeve_\\w+)` \\| (\\w+) \\|.*\\| (.+) \\|$")
	documentedAlert  = regexp.MustCompile(`(?m)^### (\w+)$`)
)

// docs/reference/metrics.md has each metric that a replica serves and each alert of the chart, each with what to do, and no others.
func TestTheReferenceHasWhatIsServed(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(Root(), "docs", "reference", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var metrics, alerts []string
	for _, row := range documentedMetric.FindAllSubmatch(page, -1) {
		metrics = append(metrics, string(row[1])+" "+string(row[2]))
	}
	for _, heading := range documentedAlert.FindAllSubmatch(page, -1) {
		alerts = append(alerts, string(heading[1]))
	}

	server := startPodreeve(t)
	var served []string
	await(t, "a scan, which brings the last metric", func(context.Context) (bool, error) {
		served = nil
		for _, line := range server.metrics(t) {
			if metric, is := strings.CutPrefix(line, "# TYPE "); is && strings.HasPrefix(metric, "podreeve_") {
				served = append(served, metric)
			}
		}
		return slices.Contains(served, "podreeve_scan_namespace_violations gauge"), errors.New("no namespace has violations yet")
	})
	same(t, "metrics", metrics, served)

	queries, err := AlertQueries()
	if err != nil {
		t.Fatal(err)
	}
	var shipped []string
	for _, query := range queries {
		shipped = append(shipped, query.Where)
	}
	same(t, "alerts", alerts, shipped)
}

func same(t *testing.T, what string, documented, is []string) {
	t.Helper()
	slices.Sort(documented)
	slices.Sort(is)
	for _, one := range is {
		if !slices.Contains(documented, one) {
			t.Errorf("%s: docs/reference/metrics.md does not have %s, with what to do about it", what, one)
		}
	}
	for _, one := range documented {
		if !slices.Contains(is, one) {
			t.Errorf("%s: docs/reference/metrics.md has %s, which is gone", what, one)
		}
	}
	if len(documented) < 5 {
		t.Errorf("%s: the page has only %q", what, documented)
	}
}
