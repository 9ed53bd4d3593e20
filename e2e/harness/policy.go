package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Policy is a policy document of podreeve.
type Policy struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   policyMeta `json:"metadata"`
	Spec       policySpec `json:"spec"`
}

type policyMeta struct {
	Name string `json:"name"`
}

type policySpec struct {
	Match map[string][]string    `json:"match,omitempty"`
	Rules map[string]RuleSetting `json:"rules"`

	Exemptions []Exemption `json:"exemptions,omitempty"`
}

// Exemption is one of a policy's exemptions.
type Exemption struct {
	Rules      []string `json:"rules"`
	Namespaces []string `json:"namespaces"`
	Images     []string `json:"images,omitempty"`
	Reason     string   `json:"reason"`
}

// RuleSetting is what a policy says of one rule.
type RuleSetting struct {
	Action string         `json:"action"`
	Params map[string]any `json:"params,omitempty"`
}

// NewPolicy makes a policy; match may be nil.
func NewPolicy(name string, match map[string][]string, rules map[string]RuleSetting) Policy {
	return Policy{"podreeve.dev/v1alpha1", "Policy", policyMeta{name}, policySpec{Match: match, Rules: rules}}
}

// ProbeRules are those that Register's wait needs.
var ProbeRules = map[string]RuleSetting{"privileged": {Action: "deny"}, "allow-privilege-escalation": {Action: "patch"}}

// WritePolicies writes each policy to a file of a new folder, for `serve --policy DIR`. JSON is YAML too.
func (c *Cluster) WritePolicies(policies ...Policy) (string, error) {
	dir := filepath.Join(c.dir, c.Name("policies"))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the policy folder: %w", err)
	}
	for _, policy := range policies {
		text, err := json.MarshalIndent(policy, "", "  ")
		if err != nil {
			return "", fmt.Errorf("write the policy %s: %w", policy.Metadata.Name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, policy.Metadata.Name+".yaml"), text, 0o644); err != nil {
			return "", fmt.Errorf("write the policy %s: %w", policy.Metadata.Name, err)
		}
	}
	return dir, nil
}
