package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kubejson "sigs.k8s.io/json"
)

const upstream = "k8s.io/pod-security-admission"

// checks is upstream's evaluator, which names the check of each result.
type checks struct {
	all       []policy.Check
	place     map[string]int
	evaluator policy.Evaluator
	groups    []uint64 // checks that one rule of podreeve covers
}

// refusal is one check's.
type refusal struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
	place  int
}

// verdict on one pod at one level and version; empty allows it.
type verdict []refusal

type target = api.LevelVersion

func newChecks() (*checks, error) {
	c := &checks{all: policy.DefaultChecks(), place: map[string]int{}}
	named := make([]policy.Check, len(c.all))
	for i, check := range c.all {
		c.place[string(check.ID)] = i
		named[i] = withName(check)
	}
	if len(c.all) > 64 {
		return nil, fmt.Errorf("%d checks do not fit the 64 bits of an answer", len(c.all))
	}
	evaluator, err := policy.NewEvaluator(named, nil)
	if err != nil {
		return nil, fmt.Errorf("upstream's checks do not make an evaluator: %w", err)
	}
	c.evaluator = evaluator
	return c, nil
}

// withName puts the id into the reason: results come without one, and which checks run at a level and version
// (overrides, and versions without the check) shall stay the evaluator's to say.
func withName(check policy.Check) policy.Check {
	versions := make([]policy.VersionedCheck, len(check.Versions))
	for i, versioned := range check.Versions {
		judge := versioned.CheckPod
		versioned.CheckPod = func(metadata *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
			result := judge(metadata, spec)
			result.ForbiddenReason = string(check.ID) + "\n" + result.ForbiddenReason
			return result
		}
		versions[i] = versioned
	}
	check.Versions = versions
	return check
}

func (c *checks) verdict(at target, pod *corev1.Pod) verdict {
	var refused verdict
	for _, result := range c.evaluator.EvaluatePod(at, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			id, reason, _ := strings.Cut(result.ForbiddenReason, "\n")
			refused = append(refused, refusal{Check: id, Reason: reason, Detail: result.ForbiddenDetail, place: c.place[id]})
		}
	}
	return refused
}

// masks has a hexadecimal number for each verdict, with a bit for each check in the order of `about`.
func masks(verdicts []verdict) ([]byte, error) {
	line := make([]byte, 0, 8*len(verdicts))
	for i, refused := range verdicts {
		if i > 0 {
			line = append(line, ' ')
		}
		line = strconv.AppendUint(line, refused.mask(), 16)
	}
	return line, nil
}

// mask has a bit for each check that refuses.
func (v verdict) mask() uint64 {
	var mask uint64
	for _, refusal := range v {
		mask |= 1 << refusal.place
	}
	return mask
}

func reasons(verdicts []verdict) ([]byte, error) {
	return json.Marshal(verdicts)
}

// decode reads a pod as the API server does: names of fields to the letter, unknown ones dropped, and a volume
// that says nothing of itself an emptyDir. It is the one default that a check depends on.
func decode(text []byte) (*corev1.Pod, error) {
	var pod corev1.Pod
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(text, &pod); err != nil {
		return nil, err
	}
	for i := range pod.Spec.Volumes {
		if volume := &pod.Spec.Volumes[i]; volume.VolumeSource == (corev1.VolumeSource{}) {
			volume.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return &pod, nil
}

func parseTargets(texts []string) ([]target, error) {
	targets := make([]target, 0, len(texts))
	for _, text := range texts {
		level, version, _ := strings.Cut(text, ":")
		parsedLevel, err := api.ParseLevel(level)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		parsedVersion, err := api.ParseVersion(version)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		targets = append(targets, target{Level: parsedLevel, Version: parsedVersion})
	}
	return targets, nil
}

type aboutCheck struct {
	ID    string `json:"id"`
	Level string `json:"level"`
	// Versions in which it came or changed.
	Versions []aboutVersion `json:"versions"`
}

type aboutVersion struct {
	Since     string           `json:"since"`
	Overrides []policy.CheckID `json:"overrides,omitempty"`
}

func about(checks *checks, out io.Writer) error {
	list := make([]aboutCheck, 0, len(checks.all))
	for _, check := range checks.all {
		told := aboutCheck{ID: string(check.ID), Level: string(check.Level)}
		for _, version := range check.Versions {
			told.Versions = append(told.Versions, aboutVersion{version.MinimumVersion.String(), version.OverrideCheckIDs})
		}
		list = append(list, told)
	}
	return json.NewEncoder(out).Encode(map[string]any{"module": upstream, "version": moduleVersion(), "checks": list})
}

func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == upstream {
			return module.Version
		}
	}
	return "unknown"
}
