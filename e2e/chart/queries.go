package chart

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// Query is a PromQL expression of the dashboard or of an alert.
type Query struct {
	Where string // panel or alert
	Expr  string
}

// PanelQueries are those of files/dashboard.json, with Grafana's variables filled in.
func PanelQueries() ([]Query, error) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(filepath.Join(Dir(), "files", "dashboard.json"))
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		return nil, fmt.Errorf("read the dashboard: %w", err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1m", "$instance", ".*")
	var queries []Query
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, Query{panel.Title, variables.Replace(target.Expr)})
		}
	}
	return queries, nil
}

// AlertQueries are those of files/alerts.yaml.
func AlertQueries() ([]Query, error) {
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	text, err := os.ReadFile(filepath.Join(Dir(), "files", "alerts.yaml"))
	if err == nil {
		err = yaml.Unmarshal(text, &alerts)
	}
	if err != nil {
		return nil, fmt.Errorf("read the alerts: %w", err)
	}
	var queries []Query
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			queries = append(queries, Query{rule.Alert, rule.Expr})
		}
	}
	return queries, nil
}

// Measured is the side of an alert that is compared with a limit. What has no limit is whole.
func (q Query) Measured() string {
	at := max(strings.LastIndex(q.Expr, " > "), strings.LastIndex(q.Expr, " < "))
	if at < 0 {
		return q.Expr
	}
	return q.Expr[:at]
}

// Selector is a metric that a query reads, with the labels that it names.
type Selector struct {
	Metric string
	Labels map[string]string // to a regular expression of values
}

var (
	selector = regexp.MustCompile(`(podreeve_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`(\w+)=~?"([^"]*)"`)
	grouping = regexp.MustCompile(`by \(([^)]*)\)`)
)

// Selectors of the query; labels that it groups by are wanted of all of them.
func (q Query) Selectors() []Selector {
	var selectors []Selector
	for _, found := range selector.FindAllStringSubmatch(q.Expr, -1) {
		labels := map[string]string{}
		for _, by := range grouping.FindAllStringSubmatch(q.Expr, -1) {
			for label := range strings.SplitSeq(by[1], ",") {
				labels[strings.TrimSpace(label)] = ".*"
			}
		}
		for _, match := range matcher.FindAllStringSubmatch(found[2], -1) {
			labels[match[1]] = match[2]
		}
		delete(labels, "instance") // Prometheus' own
		selectors = append(selectors, Selector{found[1], labels})
	}
	return selectors
}
