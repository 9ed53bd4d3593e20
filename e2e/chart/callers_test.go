package chart

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"podreeve.dev/e2e/harness"
	"podreeve.dev/e2e/pages"
)

// The release's Service, and another one of the same podreeve for which the API server has no certificate.
const known, unknown = "podreeve.podreeve.svc", "other.podreeve.svc"

// release is the chart's objects in a real API server whose admission configuration is that of docs/callers.md, and podreeve where the
// Service points to.
type release struct {
	*harness.Cluster
	server          *harness.Podreeve
	serving, client harness.KeyPair
	values          []string
}

// What the API server presents is found by the Service's name and port, as the documentation has it. The configurations are the
// chart's, whole: so are the names and selectors of its webhooks.
func TestReleaseInARealAPIServer(t *testing.T) {
	r := newRelease(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"CallersWithoutACertificateAreRefused", r.callers}, {"OwnNamespaceIsJudged", r.ownNamespace},
		{"OwnNamespaceOpensWhenNobodyAnswers", r.nobodyAnswers}, {"AnAPIServerWithoutACertificateIsRefused", r.withoutCertificate},
	} {
		if !t.Run(step.name, step.run) {
			t.FailNow()
		}
	}
}

func newRelease(t *testing.T) *release {
	t.Helper()
	dir := t.TempDir()
	r := &release{}
	var err error
	if r.client, err = harness.NewClientKeyPair(); err != nil {
		t.Fatal(err)
	}
	if r.serving, err = harness.NewKeyPair([]string{known, unknown}, nil); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"ca.crt": string(r.serving.CA), "tls.crt": string(r.serving.Cert), "tls.key": string(r.serving.Key),
		"client.crt": string(r.client.Cert), "client.key": string(r.client.Key), "client-ca.crt": string(r.client.CA),
		"admission.yaml": documented(t, "admission.yaml", dir)} {
		write(t, filepath.Join(dir, name), content)
	}
	// The server has its port before the API server is started that is to know it.
	port, err := harness.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := documented(t, "kubeconfig.yaml", dir)
	if !strings.Contains(kubeconfig, "- name: "+known+"\n") {
		t.Fatalf("docs/callers.md has a kubeconfig without the user %s:\n%s", known, kubeconfig)
	}
	write(t, filepath.Join(dir, "kubeconfig.yaml"), strings.Replace(kubeconfig, known, fmt.Sprintf("%s:%d", known, port), 1))
	r.Cluster = apiServer(t, "--admission-control-config-file="+filepath.Join(dir, "admission.yaml"))
	r.server, err = r.StartPodreeveOn(t.Context(), port, "--client-ca", filepath.Join(dir, "client-ca.crt"),
		"--tls-cert", filepath.Join(dir, "tls.crt"), "--tls-key", filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	r.values = []string{"--set", fmt.Sprintf("mode=deny,tls.mode=existingSecret,tls.secretName=any,service.port=%d,webhook.clientCA.secretName=any,uninstallHook.enabled=true", port),
		"--set-file", "tls.caBundle=" + filepath.Join(dir, "ca.crt")}
	for _, name := range []string{"podreeve", "default", "shop"} {
		// No controller makes a namespace's service account here.
		r.apply(t, fmt.Sprintf("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Namespace, metadata: {name: %[1]s}}, "+
			"{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: %[1]s}}]}", name))
	}
	r.service(t, "podreeve")
	for _, object := range armed(t, "default", r.values...) {
		if kind := object.GetKind(); kind == "ServiceAccount" || strings.HasSuffix(kind, "WebhookConfiguration") {
			r.object(t, object)
		}
	}
	return r
}

// documented is a file of docs/callers.md, where it says that the files lie in this folder.
func documented(t *testing.T, name, dir string) string {
	t.Helper()
	read, err := pages.Read(Root(), "docs/callers.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := read[0].File(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(file, "/etc/kubernetes/podreeve", dir)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *release) apply(t *testing.T, text string) {
	t.Helper()
	if err := r.Apply(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

func (r *release) object(t *testing.T, object unstructured.Unstructured) {
	t.Helper()
	text, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	r.apply(t, string(text))
}

// service takes the place of the chart's: no kube-proxy runs here, but the API server finds the name of an ExternalName, too.
func (r *release) service(t *testing.T, name string) {
	t.Helper()
	r.apply(t, fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: podreeve}, spec: {type: ExternalName, externalName: 127.0.0.1, "+
		"ports: [{port: %d}]}}", name, r.server.Port))
}

// deniedBy waits until a privileged pod is denied in the namespace, by this webhook: the API server learns of it through a watch.
func (r *release) deniedBy(t *testing.T, namespace, hook string) {
	t.Helper()
	await(t, "a privileged pod is denied in "+namespace, func(ctx context.Context) (bool, error) {
		answer := r.Create(ctx, r.GoodPod(namespace, "privileged", harness.Privileged), true)
		return apierrors.IsForbidden(answer.Err) && strings.Contains(answer.Err.Error(), fmt.Sprintf("admission webhook %q denied the request", hook)), answer.Err
	})
}

func (r *release) created(t *testing.T, object *harness.Object) {
	t.Helper()
	if answer := r.Create(t.Context(), object, false); answer.Err != nil {
		t.Errorf("%s %s/%s: %v", object.GetKind(), object.GetNamespace(), object.GetName(), answer.Err)
	}
}

// callers: both webhooks answer the API server. A client without a certificate of that CA gets no answer, and probes need none.
func (r *release) callers(t *testing.T) {
	r.deniedBy(t, "shop", "validate.podreeve.dev")
	careless := r.GoodPod("shop", "careless", harness.Container(func(container map[string]any) {
		delete(container["securityContext"].(map[string]any), "allowPrivilegeEscalation")
	}))
	answer := r.Create(t.Context(), careless, false)
	if answer.Err != nil || harness.Lookup(answer.Object, "spec.containers[0].securityContext.allowPrivilegeEscalation") != false {
		t.Errorf("the pod is not repaired: %v, %v", answer.Object, answer.Err)
	}
	strangers, err := harness.NewClientKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		client *harness.KeyPair
		want   bool
	}{"no certificate": {nil, false}, "a certificate of another CA": {&strangers, false}, "the API server's certificate": {&r.client, true}} {
		code, err := r.ask(c.client)
		if (err == nil) != c.want || c.want && code != http.StatusOK {
			t.Errorf("%s: code %d, %v", name, code, err)
		}
	}
	if ready, err := r.server.Ready(t.Context()); !ready {
		t.Errorf("/readyz: %v", err)
	}
}

// ask sends a review as the API server does.
func (r *release) ask(client *harness.KeyPair) (int, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.serving.CA)
	config := &tls.Config{RootCAs: roots, ServerName: known}
	if client != nil {
		pair, err := tls.X509KeyPair(client.Cert, client.Key)
		if err != nil {
			return 0, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	review, err := os.ReadFile(filepath.Join(Root(), "tests", "reviews", "review-003-Pod-CREATE.json"))
	if err != nil {
		return 0, err
	}
	response, err := (&http.Client{Transport: transport}).Post(fmt.Sprintf("https://127.0.0.1:%d/validate", r.server.Port), "application/json", bytes.NewReader(review))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// ownPods are what the chart runs in its namespace, and what its controllers make of that.
func (r *release) ownPods(t *testing.T) (own []*harness.Object) {
	t.Helper()
	objects := render(t, "default", r.values...)
	pod := func(kind string, template core.PodTemplateSpec) {
		made := core.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
		made.Name, made.Namespace = r.Name(strings.ToLower(kind)), "podreeve"
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&made)
		if err != nil {
			t.Fatal(err)
		}
		object := &harness.Object{Object: fields}
		object.SetAPIVersion("v1")
		object.SetKind("Pod")
		own = append(own, object)
	}
	pod("Deployment", find[apps.Deployment](t, objects, "Deployment", "podreeve").Spec.Template)
	pod("Job", find[batch.Job](t, objects, "Job", "podreeve-uninstall").Spec.Template)
	for _, object := range objects {
		switch object.GetKind() {
		case "Deployment", "Job", "Pod":
			object.SetAnnotations(nil)
			object.SetName(r.Name("own"))
			own = append(own, &object)
		}
	}
	if len(own) != 5 {
		t.Fatalf("the chart has %d objects that run or are run: %v", len(own), own)
	}
	return own
}

// ownNamespace: what is privileged is kept out of podreeve's namespace, whatever makes it, and podreeve's own pods are let in.
func (r *release) ownNamespace(t *testing.T) {
	r.deniedBy(t, "podreeve", "own-namespace.podreeve.dev")
	careless := r.GoodPod("podreeve", "careless", harness.Container(func(container map[string]any) {
		delete(container["securityContext"].(map[string]any), "allowPrivilegeEscalation")
	}))
	r.created(t, careless)
	for _, object := range r.ownPods(t) {
		r.created(t, object)
	}
	answer := r.Create(t.Context(), harness.WorkloadOf("DaemonSet").Wrap(r.GoodPod("podreeve", "agent", harness.Privileged), "podreeve", "agent"), false)
	if !apierrors.IsForbidden(answer.Err) || !strings.Contains(answer.Err.Error(), "DaemonSet podreeve/agent denied") {
		t.Errorf("a privileged DaemonSet in podreeve's namespace: %v", answer.Err)
	}
}

// nobodyAnswers: podreeve can be started again, and elsewhere nothing gets past it.
func (r *release) nobodyAnswers(t *testing.T) {
	r.server.Kill()
	for _, object := range r.ownPods(t) {
		r.created(t, object)
	}
	if answer := r.Create(t.Context(), r.GoodPod("shop", "good"), false); answer.Err == nil || !strings.Contains(answer.Err.Error(), `failed calling webhook "validate.podreeve.dev"`) {
		t.Errorf("podreeve is dead, and a pod was let in elsewhere: %v", answer.Err)
	}
	if err := r.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// withoutCertificate: the admission configuration has none for this Service, and podreeve does not answer.
func (r *release) withoutCertificate(t *testing.T) {
	r.service(t, "other")
	for _, object := range armed(t, "default", append(r.values, "--set", "fullnameOverride=other")...) {
		if object.GetKind() == "ValidatingWebhookConfiguration" {
			r.object(t, object)
		}
	}
	await(t, "pods are refused", func(ctx context.Context) (bool, error) {
		answer := r.Create(ctx, r.GoodPod("shop", "good"), true)
		return answer.Err != nil && strings.Contains(answer.Err.Error(), "tls: certificate required"), answer.Err
	})
}
