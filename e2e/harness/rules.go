package harness

import (
	"context"
	"encoding/json"
	"fmt"
)

// Rule is one entry of `podreeve rules -o json`: the suite is driven by it, not by a list of its own.
type Rule struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	OWASP    []int     `json:"owasp"`
	Severity string    `json:"severity"`
	Action   string    `json:"action"` // in the built-in owasp policy
	Examples []Example `json:"examples"`
}

// Example is a pod that is bad (or good) by one rule and good by all others.
type Example struct {
	Name   string         `json:"name"`
	Params map[string]any `json:"params"` // nil: the rule's defaults
	Expect string         `json:"expect"` // bad or good
	Pod    Object         `json:"pod"`
	Fields []string       `json:"fields"` // dotted paths in the pod that the rule must name
}

// Rules returns the rules that the binary lists.
func (c *Cluster) Rules(ctx context.Context) ([]Rule, error) {
	said, err := c.PodreeveCommand(ctx, "", "rules", "-o", "json")
	if err != nil {
		return nil, err
	}
	var rules []Rule
	if said.Code != 0 {
		return nil, fmt.Errorf("podreeve did not list its rules:\n%s", said)
	}
	if err := json.Unmarshal([]byte(said.Stdout), &rules); err != nil {
		return nil, fmt.Errorf("read the output of `podreeve rules -o json`: %w", err)
	}
	return rules, nil
}
