package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// The API server itself refuses exemptions of nodes that would mean all nodes or nothing, by the rules of the CRD: no podreeve runs.
func TestNodeExemptionsOfTheCRD(t *testing.T) {
	t.Parallel()
	s := up(t)
	if !s.Owned {
		t.Skip("installs CRDs, which is for a cluster of our own")
	}
	must(t, s.InstallCRDs(t.Context()))
	const policy = "{apiVersion: podreeve.dev/v1alpha1, kind: Policy, metadata: {name: node-exemptions}, spec: {rules: {node-files: {action: warn}}, nodeExemptions: [{%s}]}}"
	for exemption, says := range map[string]string{
		"rules: [node-files], nodes: [a], reason: r": "",
		"rules: [node-files, node-tls], nodeSelector: {matchLabels: {pool: build}}, subjects: ['dockerd: icc'], until: '2999-12-31', reason: r": "",
		"rules: [node-files], nodeSelector: {matchExpressions: [{key: pool, operator: In, values: [build]}]}, reason: r":                        "",
		"rules: [node-files], nodeSelector: {matchExpressions: [{key: gpu, operator: Exists}]}, reason: r":                                      "",
		"rules: [node-files], nodes: [a], nodeSelector: {matchLabels: {pool: build}}, until: null, reason: r":                                   "",
		"rules: [node-files], reason: r":                                                                                 "name nodes, or select them by their labels",
		"rules: [node-files], nodeSelector: null, reason: r":                                                             "name nodes, or select them by their labels",
		"rules: [node-files], nodeSelector: {}, reason: r":                                                               "has no requirement",
		"rules: [node-files], nodeSelector: {matchLabels: {}, matchExpressions: []}, reason: r":                          "has no requirement",
		"rules: [node-files], nodes: [], reason: r":                                                                      "is an empty list",
		"rules: [node-files], nodes: [''], reason: r":                                                                    "at least 1 chars",
		"rules: [node-files], nodes: [a], subjects: [], reason: r":                                                       "is an empty list",
		"rules: [node-files], nodeSelector: {matchExpressions: [{key: pool, operator: In}]}, reason: r":                  "In and NotIn need values",
		"rules: [node-files], nodeSelector: {matchExpressions: [{key: pool, operator: Exists, values: [a]}]}, reason: r": "Exists and DoesNotExist have none",
		"rules: [node-files], nodeSelector: {matchExpressions: [{key: pool, operator: Is, values: [a]}]}, reason: r":     "Unsupported value: \"Is\"",
		"rules: [node-files], nodes: [a], reason: '  '":                                                                  "say why this is right",
		"rules: [node-files], nodes: [a]":                                                                                "reason: Required value",
		"rules: [], nodes: [a], reason: r":                                                                               "should have at least 1 items",
		"nodes: [a], reason: r":                                                                                          "rules: Required value",
		"rules: [node-files], nodes: [a], reason: r, until: tomorrow":                                                    "until",
	} {
		said, err := s.Kubectl(t.Context(), fmt.Sprintf(policy, exemption), "create", "--dry-run=server", "-f", "-")
		must(t, err)
		if refused := said.Code != 0; refused != (says != "") || !strings.Contains(said.Stderr, says) {
			t.Errorf("{%s}: wanted %q: %s", exemption, says, said)
		}
	}
}
