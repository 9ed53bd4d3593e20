package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"podreeve.dev/e2e/harness"
)

// byHand are the rules of which an edit cannot repair every violation.
var byHand = []string{"image-tag", "image-digest", "ssh-server", "env-secrets", "host-ports", "privileged-ports", "memory-limit", "capabilities"}

// repairTally counts what became of the objects.
type repairTally struct{ repaired, left, unreachable int }

// TestTheEditOfEachExample: the merged edit of every bad example makes an object that the API server takes in a dry run, with the
// webhook on; or the webhook denies what the edit leaves.
func TestTheEditOfEachExample(t *testing.T) {
	s := up(t)
	watched, plain := namespace(t, s, "edit", s.hook), namespace(t, s, "plain", nil)
	all := attempts(t, s, plain, func(rule harness.Rule, example harness.Example) bool {
		return rule.Action == "deny" && example.Params == nil && example.Expect == "bad"
	})
	var objects []*harness.Object
	for _, a := range all {
		objects = append(objects, a.object(s, watched))
	}
	counts := wantEdited(t, s, plain, objects)
	t.Logf("e2e: edits of examples: %+v", counts)
	if counts.repaired < 100 {
		t.Errorf("only %d examples were repaired", counts.repaired)
	}
}

// TestTheEditOfGeneratedWorkloads does the same with 300 workloads of 1 to 8 containers.
func TestTheEditOfGeneratedWorkloads(t *testing.T) {
	s := up(t)
	watched, plain := namespace(t, s, "edit", s.hook), namespace(t, s, "plain", nil)
	var objects []*harness.Object
	for seed := range 300 {
		kind := []string{"Pod", "Deployment", "DaemonSet", "CronJob"}[seed%4]
		pod := generatedPod(rand.New(rand.NewSource(int64(seed))), kind == "CronJob")
		objects = append(objects, harness.WorkloadOf(kind).Wrap(pod, watched, s.Name("generated")))
	}
	counts := wantEdited(t, s, plain, objects)
	t.Logf("e2e: edits of generated workloads: %+v", counts)
	if counts.repaired+counts.left < 250 || counts.repaired < 100 {
		t.Errorf("too few were edited: %+v", counts)
	}
}

func wantEdited(t *testing.T, s *suite, plain string, objects []*harness.Object) repairTally {
	t.Helper()
	var manifest strings.Builder
	for _, object := range objects {
		text, err := json.Marshal(object)
		must(t, err)
		fmt.Fprintf(&manifest, "---\n%s\n", text)
	}
	said, err := s.PodreeveCommand(t.Context(), manifest.String(), "check", "-o", "json", "-")
	must(t, err)
	var report struct {
		Objects []struct {
			Patch json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(said.Stdout), &report); err != nil || len(report.Objects) != len(objects) {
		t.Fatalf("check judged %d of %d objects: %v\n%s", len(report.Objects), len(objects), err, said.Stderr)
	}
	var counts repairTally
	for index, object := range objects {
		// What the API server itself refuses never reaches podreeve.
		sent := object.DeepCopy()
		sent.SetNamespace(plain)
		if answer := s.Create(t.Context(), sent, true); answer.Err != nil {
			counts.unreachable++
			continue
		}
		edited := patched(t, object, report.Objects[index].Patch)
		answer := s.Create(t.Context(), edited, true)
		switch {
		case answer.Err == nil:
			counts.repaired++
		case answer.Denied():
			counts.left++
			for _, cause := range answer.Status().Details.Causes {
				if rule, _, _ := strings.Cut(cause.Message, ":"); !slices.Contains(byHand, rule) {
					t.Errorf("%s is left in %s %s: %s\n%s", rule, object.GetKind(), object.GetName(), cause.Message, report.Objects[index].Patch)
				}
			}
		default:
			text, _ := json.Marshal(object)
			t.Errorf("the API server refuses the edited %s: %v\nsent: %s\nedit: %s", object.GetKind(), answer.Err, text, report.Objects[index].Patch)
		}
	}
	return counts
}

func patched(t *testing.T, object *harness.Object, operations json.RawMessage) *harness.Object {
	t.Helper()
	text, err := json.Marshal(object)
	must(t, err)
	patch, err := jsonpatch.DecodePatch(operations)
	must(t, err)
	if text, err = patch.Apply(text); err != nil {
		t.Fatalf("the edit of %s does not apply: %v\n%s", object.GetName(), err, operations)
	}
	edited := &harness.Object{}
	must(t, edited.UnmarshalJSON(text))
	return edited
}

func generatedPod(random *rand.Rand, once bool) *harness.Object {
	spec := map[string]any{"volumes": []any{
		map[string]any{"name": "v0", "hostPath": map[string]any{"path": []any{"/var/run/docker.sock", "/etc", "/data", "/dev/kvm"}[random.Intn(4)]}},
		map[string]any{"name": "v1", "emptyDir": map[string]any{}},
	}}
	var containers []any
	for index := range 1 + random.Intn(8) {
		containers = append(containers, generatedContainer(random, index))
	}
	spec["containers"] = containers
	if once {
		spec["restartPolicy"] = "Never"
	}
	for _, field := range []string{"hostPID", "hostIPC"} {
		if random.Intn(6) == 0 {
			spec[field] = true
		}
	}
	if random.Intn(5) == 0 {
		spec["securityContext"] = map[string]any{"runAsUser": int64(0)}
	}
	if random.Intn(7) == 0 {
		spec["securityContext"] = map[string]any{"sysctls": []any{map[string]any{"name": "kernel.msgmax", "value": "1"}}}
	}
	object := &harness.Object{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "generated"}, "spec": spec}}
	return object
}

func generatedContainer(random *rand.Rand, index int) map[string]any {
	container := map[string]any{"name": fmt.Sprintf("c%d", index), "image": []any{"registry.example.com/a:1", "registry.example.com/b/c:2.3"}[random.Intn(2)]}
	if random.Intn(30) == 0 {
		container["image"] = "nginx" // no edit knows its tag
	}
	context := map[string]any{}
	for _, set := range []struct {
		field string
		value any
		odds  int
	}{
		{"privileged", true, 8},
		{"readOnlyRootFilesystem", false, 3},
		{"runAsUser", int64(0), 5},
		{"runAsUser", int64(1000), 5},
		{"runAsNonRoot", false, 6},
		{"procMount", "Default", 9},
		{"seccompProfile", map[string]any{"type": "Unconfined"}, 6},
		{"seLinuxOptions", map[string]any{"type": "spc_t", "level": "s0"}, 8},
		{"capabilities", map[string]any{"add": []any{"NET_ADMIN", "SYS_ADMIN"}}, 5},
		{"capabilities", map[string]any{"add": []any{"NET_BIND_SERVICE", "CHOWN"}, "drop": []any{"MKNOD"}}, 6},
	} {
		if random.Intn(set.odds) == 0 {
			context[set.field] = set.value
		}
	}
	if len(context) > 0 {
		container["securityContext"] = context
	}
	if random.Intn(2) == 0 {
		port := []int64{80, 443, 22, 8080, 53}[random.Intn(5)]
		container["ports"] = []any{map[string]any{"name": "p", "containerPort": port}, map[string]any{"containerPort": int64(9000 + index)}}
		if random.Intn(2) == 0 {
			container["livenessProbe"] = map[string]any{"httpGet": map[string]any{"port": port, "path": "/"}}
		}
		if random.Intn(4) == 0 {
			container["readinessProbe"] = map[string]any{"tcpSocket": map[string]any{"port": "p", "host": "127.0.0.1"}}
		}
	}
	switch random.Intn(8) {
	case 0:
		container["resources"] = map[string]any{}
	case 1:
		container["resources"] = map[string]any{"requests": map[string]any{"memory": "1Gi"}}
	case 2:
		container["resources"] = map[string]any{"limits": map[string]any{"memory": "512"}}
	case 3:
		container["resources"] = map[string]any{"limits": map[string]any{"nvidia.com/gpu": "1"}, "requests": map[string]any{"nvidia.com/gpu": "1", "cpu": "1"}}
	}
	if random.Intn(3) == 0 {
		container["env"] = []any{
			map[string]any{"name": "HOME", "value": "/tmp"},
			map[string]any{"name": "DB_PASSWORD", "value": "hunter2hunter2"},
			map[string]any{"name": "DOCKER_HOST", "value": "tcp://10.0.0.1:2375"},
		}
	}
	if random.Intn(2) == 0 {
		container["volumeMounts"] = []any{map[string]any{"name": "v0", "mountPath": "/m0"}, map[string]any{"name": "v1", "mountPath": "/m1"}}
	}
	return container
}
