package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/admission"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
)

// update is a request that changes a pod.
type update struct {
	SubResource string          `json:"subResource"`
	Old         json.RawMessage `json:"old"`
	New         json.RawMessage `json:"new"`
}

// admissions is upstream's admission plugin. Its namespaces are named after the level and version that they enforce.
type admissions struct{ plugin *admission.Admission }

func newAdmissions(checks *checks) (admissions, error) {
	privileged := admissionapi.PodSecurityDefaults{
		Enforce: "privileged", EnforceVersion: "latest", Audit: "privileged", AuditVersion: "latest", Warn: "privileged", WarnVersion: "latest",
	}
	plugin := &admission.Admission{
		Configuration:   &admissionapi.PodSecurityConfiguration{Defaults: privileged},
		Evaluator:       checks.evaluator,
		Metrics:         unrecorded{},
		NamespaceGetter: namespaces{},
		PodLister:       namespaces{},
	}
	if err := errors.Join(plugin.CompleteConfiguration(), plugin.ValidateConfiguration()); err != nil {
		return admissions{}, fmt.Errorf("upstream's admission cannot be had: %w", err)
	}
	return admissions{plugin}, nil
}

// denies says what upstream's Admission.Validate answers.
func (a admissions) denies(at target, subResource string, pod, old *corev1.Pod) bool {
	return !a.plugin.Validate(context.Background(), &api.AttributesRecord{
		Name:        pod.Name,
		Namespace:   at.String(),
		Kind:        corev1.SchemeGroupVersion.WithKind("Pod"),
		Resource:    corev1.SchemeGroupVersion.WithResource("pods"),
		Subresource: subResource,
		Operation:   admissionv1.Update,
		Object:      pod,
		OldObject:   old,
		Username:    "jane",
	}).Allowed
}

// bounds are for an update that upstream does not look at: which checks refuse what the update introduces. Those of least
// refuse a container that they did not refuse before, or the pod outside of its containers and nothing of the pod before;
// those of most refuse something that was changed.
type bounds struct{ least, most uint64 }

// judgeUpdate has, for each target, whether upstream denies, the checks that refuse the new pod, and the bounds.
func judgeUpdate(checks *checks, admissions admissions, levels []target, text []byte) ([]byte, error) {
	var request update
	err := json.Unmarshal(text, &request)
	pod, podErr := decode(request.New)
	old, oldErr := decode(request.Old)
	changes, changesErr := changesOf(request)
	if err := errors.Join(err, podErr, oldErr, changesErr); err != nil {
		message, err := json.Marshal(err.Error())
		return append([]byte("unreadable "), message...), err
	}
	var line []byte
	for i, level := range levels {
		if i > 0 {
			line = append(line, ' ')
		}
		between := checks.introduced(level, pod, old, changes)
		line = strconv.AppendBool(line, admissions.denies(level, request.SubResource, pod, old))
		for _, mask := range []uint64{checks.verdict(level, pod).mask(), between.least, between.most} {
			line = strconv.AppendUint(append(line, ','), mask, 16)
		}
	}
	return line, nil
}

func (c *checks) introduced(at target, pod, old *corev1.Pod, changed changes) bounds {
	mask := func(pod *corev1.Pod) uint64 { return c.together(c.verdict(at, pod).mask()) }
	nowhere := place{list: -1}
	outside := mask(nowhere.of(old))
	// What the containers inherited before, the pod may say itself now.
	found := bounds{least: mask(nowhere.of(pod)) &^ mask(old)}
	if changed.around {
		found.most = mask(pod) // containers inherit of it
	}
	for _, place := range places(pod) {
		if changed.places[place] {
			refused := mask(place.of(pod))
			found.most |= refused
			found.least |= refused &^ mask(place.of(old)) &^ outside
		}
	}
	return found
}

// together adds to each check those that are one rule with it: what refused a value before by one, and now by the other,
// has not come.
func (c *checks) together(mask uint64) uint64 {
	for _, group := range c.groups {
		if mask&group != 0 {
			mask |= group
		}
	}
	return mask
}

// setGroups reads which checks belong together: a,b;c,d.
func (c *checks) setGroups(text string) error {
	for names := range strings.SplitSeq(text, ";") {
		var group uint64
		for name := range strings.SplitSeq(names, ",") {
			place, known := c.place[name]
			if !known {
				return fmt.Errorf("there is no check %q", name)
			}
			group |= 1 << place
		}
		c.groups = append(c.groups, group)
	}
	return nil
}

// place is the place of a violation: the list of containers, and the name in it.
type place struct {
	list int
	name string
}

func containers(pod *corev1.Pod) [3][]corev1.Container {
	ephemeral := make([]corev1.Container, 0, len(pod.Spec.EphemeralContainers))
	for _, container := range pod.Spec.EphemeralContainers {
		ephemeral = append(ephemeral, corev1.Container(container.EphemeralContainerCommon))
	}
	return [3][]corev1.Container{append([]corev1.Container{}, pod.Spec.InitContainers...), append([]corev1.Container{}, pod.Spec.Containers...), ephemeral}
}

func places(pod *corev1.Pod) []place {
	seen := map[place]bool{}
	var all []place
	for list, containers := range containers(pod) {
		for _, container := range containers {
			if at := (place{list, container.Name}); !seen[at] {
				seen[at] = true
				all = append(all, at)
			}
		}
	}
	return all
}

// of is the pod without its other places.
func (p place) of(pod *corev1.Pod) *corev1.Pod {
	only := *pod
	only.Spec.InitContainers, only.Spec.Containers, only.Spec.EphemeralContainers = nil, nil, nil
	for list, containers := range containers(pod) {
		for _, container := range containers {
			switch {
			case p != place{list, container.Name}:
			case list == 0:
				only.Spec.InitContainers = append(only.Spec.InitContainers, container)
			case list == 1:
				only.Spec.Containers = append(only.Spec.Containers, container)
			default:
				common := corev1.EphemeralContainerCommon(container)
				only.Spec.EphemeralContainers = append(only.Spec.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: common})
			}
		}
	}
	return &only
}

// changes are where the JSON of the two pods differs. Here an empty text is another value than none.
type changes struct {
	// In what checks read outside of containers.
	around bool
	places map[place]bool
}

var lists = [3]string{"initContainers", "containers", "ephemeralContainers"}

func changesOf(request update) (changes, error) {
	type pod struct {
		Metadata struct{ Annotations any }
		Spec     map[string]any
	}
	var now, then pod
	if err := errors.Join(json.Unmarshal(request.New, &now), json.Unmarshal(request.Old, &then)); err != nil {
		return changes{}, err
	}
	found := changes{around: !reflect.DeepEqual(now.Metadata, then.Metadata), places: map[place]bool{}}
	for _, field := range []string{"securityContext", "volumes", "os", "hostUsers", "hostNetwork", "hostPID", "hostIPC"} {
		found.around = found.around || !reflect.DeepEqual(now.Spec[field], then.Spec[field])
	}
	written, before := writtenAt(now.Spec), writtenAt(then.Spec)
	for place, containers := range written {
		found.places[place] = !reflect.DeepEqual(containers, before[place])
	}
	return found, nil
}

func writtenAt(spec map[string]any) map[place][]any {
	all := map[place][]any{}
	for list, field := range lists {
		containers, _ := spec[field].([]any)
		for _, container := range containers {
			members, _ := container.(map[string]any)
			name, _ := members["name"].(string)
			at := place{list, name}
			all[at] = append(all[at], container)
		}
	}
	return all
}

// unrecorded counts nothing.
type unrecorded struct{}

func (unrecorded) RecordEvaluation(metrics.Decision, api.LevelVersion, metrics.Mode, api.Attributes) {
}
func (unrecorded) RecordExemption(api.Attributes)   {}
func (unrecorded) RecordError(bool, api.Attributes) {}

// namespaces enforce what their names say.
type namespaces struct{}

func (namespaces) GetNamespace(_ context.Context, name string) (*corev1.Namespace, error) {
	level, version, _ := strings.Cut(name, ":")
	labels := map[string]string{api.EnforceLevelLabel: level, api.EnforceVersionLabel: version}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, nil
}

func (namespaces) ListPods(context.Context, string) ([]*corev1.Pod, error) { return nil, nil }
