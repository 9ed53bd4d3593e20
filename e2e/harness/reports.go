package harness

import (
	"context"
	"fmt"
)

// ReportAPI is one of the two APIs for reports.
type ReportAPI struct {
	Group, Version, Kind, Plural, Singular string
	whole                                  string // fields that only this one has
	scope                                  string
}

// OpenReports and WgPolicy are the report APIs as podreeve names them.
var (
	OpenReports = ReportAPI{"openreports.io", "v1alpha1", "Report", "reports", "report", "source: {type: string}", "Namespaced"}
	WgPolicy    = ReportAPI{"wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports", "policyreport", "", "Namespaced"}
)

// ClusterReports are what agents write about their nodes.
var ClusterReports = ReportAPI{"openreports.io", "v1alpha1", "ClusterReport", "clusterreports", "clusterreport", "source: {type: string}", "Cluster"}

// Resource is the name that kubectl takes.
func (r ReportAPI) Resource() string { return r.Plural + "." + r.Group }

// reportCRD has the fields and types of the published definitions, and not their texts.
const reportCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %[4]s.%[1]s
  annotations: {description: "a trimmed copy, for tests"}
spec:
  group: %[1]s
  names: {kind: %[3]s, listKind: %[3]sList, plural: %[4]s, singular: %[5]s}
  scope: %[7]s
  versions:
  - name: %[2]s
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          %[6]s
          scope: &reference
            type: object
            properties: {apiVersion: {type: string}, kind: {type: string}, namespace: {type: string}, name: {type: string}, uid: {type: string}}
          summary:
            type: object
            properties: {pass: {type: integer}, fail: {type: integer}, warn: {type: integer}, error: {type: integer}, skip: {type: integer}}
          results:
            type: array
            items:
              type: object
              required: [policy]
              properties:
                source: {type: string}
                policy: {type: string}
                rule: {type: string}
                category: {type: string}
                severity: {type: string, enum: [critical, high, low, medium, info]}
                timestamp:
                  type: object
                  required: [seconds, nanos]
                  properties: {seconds: {type: integer, format: int64}, nanos: {type: integer, format: int32}}
                result: {type: string, enum: [pass, fail, warn, error, skip]}
                scored: {type: boolean}
                resources: {type: array, items: *reference}
                message: {type: string}
                properties: {type: object, additionalProperties: {type: string}}
`

// Definition is its custom resource definition. What it does not have is dropped.
func (r ReportAPI) Definition() string {
	return fmt.Sprintf(reportCRD, r.Group, r.Version, r.Kind, r.Plural, r.Singular, r.whole, r.scope)
}

// InstallReports installs the definition of a report API and waits until it is served.
func (c *Cluster) InstallReports(ctx context.Context, api ReportAPI) error {
	if err := c.Apply(ctx, api.Definition()); err != nil {
		return err
	}
	c.Defer(func() error { return c.Remove(context.Background(), "crd", api.Resource()) })
	return Await(ctx, api.Resource()+" is served", func(ctx context.Context) (bool, error) {
		_, err := c.kubectl(ctx, "", "get", api.Resource(), "-A")
		return err == nil, err
	})
}
