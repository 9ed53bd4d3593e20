package chart

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const monitored = "gatekeeper-of-pods"

// What the chart sets of the Prometheus operator's kind; another field is not known here and fails.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// The ServiceMonitor finds the Service in its own namespace, and on it the port that leads to the metrics of the pods.
func TestServiceMonitorFindsTheMetrics(t *testing.T) {
	objects := render(t, "everything")
	monitor := find[serviceMonitor](t, objects, "ServiceMonitor", monitored)
	service := find[core.Service](t, objects, "Service", monitored)
	if selector := monitor.Spec.Selector; !covers(selector.MatchLabels, service.Labels) || len(selector.MatchExpressions) > 0 {
		t.Errorf("it selects %+v, the Service has %v", selector, service.Labels)
	}
	if monitor.Namespace != service.Namespace {
		t.Errorf("it is in %s, the Service in %s", monitor.Namespace, service.Namespace)
	}
	if len(monitor.Spec.Endpoints) != 1 || monitor.Spec.Endpoints[0].Interval != "15s" {
		t.Fatalf("its endpoints are %+v", monitor.Spec.Endpoints)
	}
	at := slices.IndexFunc(service.Spec.Ports, func(port core.ServicePort) bool { return port.Name == monitor.Spec.Endpoints[0].Port })
	if at < 0 {
		t.Fatalf("port %s is none of %+v", monitor.Spec.Endpoints[0].Port, service.Spec.Ports)
	}
	container := deployment(t, "everything").Spec.Template.Spec.Containers[0]
	at = slices.IndexFunc(container.Ports, func(port core.ContainerPort) bool { return port.Name == service.Spec.Ports[at].TargetPort.String() })
	if at < 0 || container.Ports[at].ContainerPort != 8080 || !slices.Contains(container.Args, "--admin-listen=[::]:8080") {
		t.Errorf("the Service's port leads to none of %+v that serves metrics: %q", container.Ports, container.Args)
	}
	if monitor.Labels["release"] != "prometheus" {
		t.Errorf("its labels are %v", monitor.Labels)
	}
}

// The rules are those of files/alerts.yaml, to the letter: Helm must not read the alerts' own templates.
func TestPrometheusRuleHasTheAlerts(t *testing.T) {
	rule := object(t, render(t, "everything"), "PrometheusRule", monitored)
	var want any
	if err := yaml.UnmarshalStrict([]byte(chartFile(t, "alerts.yaml")), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(rule.Object["spec"], want) {
		t.Errorf("its spec is\n%v\nfiles/alerts.yaml is\n%v", rule.Object["spec"], want)
	}
	if rule.GetLabels()["release"] != "prometheus" {
		t.Errorf("its labels are %v", rule.GetLabels())
	}
}

// The dashboard is that of files/dashboard.json, where Grafana's sidecar looks for it.
func TestDashboardIsInTheConfigMap(t *testing.T) {
	dashboard := find[core.ConfigMap](t, render(t, "everything"), "ConfigMap", monitored+"-dashboard")
	var got, want map[string]any
	if err := yaml.UnmarshalStrict([]byte(dashboard.Data["podreeve.json"]), &got); err != nil || len(dashboard.Data) != 1 {
		t.Fatalf("%d keys: %v", len(dashboard.Data), err)
	}
	if err := yaml.UnmarshalStrict([]byte(chartFile(t, "dashboard.json")), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || len(want) == 0 {
		t.Errorf("podreeve.json is\n%v\nfiles/dashboard.json is\n%v", got, want)
	}
	if dashboard.Labels["grafana_dashboard"] != "1" || dashboard.Annotations["folder"] != "security" {
		t.Errorf("its labels are %v, its annotations %v", dashboard.Labels, dashboard.Annotations)
	}
}

// By default there is none: without the operator's definitions the install would fail.
func TestMonitoringIsAskedFor(t *testing.T) {
	objects := render(t, "default")
	for kind, name := range map[string]string{"ServiceMonitor": "podreeve", "PrometheusRule": "podreeve", "ConfigMap": "podreeve-dashboard"} {
		if objects.has(kind, name) {
			t.Errorf("%s/%s is rendered", kind, name)
		}
	}
}

func object(t *testing.T, objects Objects, kind, name string) unstructured.Unstructured {
	t.Helper()
	at := slices.IndexFunc(objects, func(object unstructured.Unstructured) bool {
		return object.GetKind() == kind && object.GetName() == name
	})
	if at < 0 {
		t.Fatalf("no %s/%s is rendered", kind, name)
	}
	return objects[at]
}

func chartFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Dir(), "files", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
