package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"podreeve.dev/e2e/harness"
)

// What counts without labels, and with some of them: the same as upstream makes of the same defaults.
func TestPodSecurityDefaults(t *testing.T) {
	s := up(t)
	const spec = "{podSecurityLabels: true, podSecurityDefaults: {enforce: baseline, enforceVersion: v1.24, audit: restricted, warn: restricted, warnVersion: v1.30}, rules: {}}"
	version := func(text string) api.Version {
		version, err := api.ParseVersion(text)
		must(t, err)
		return version
	}
	defaults := api.Policy{
		Enforce: api.LevelVersion{Level: api.LevelBaseline, Version: version("v1.24")},
		Audit:   api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()},
		Warn:    api.LevelVersion{Level: api.LevelRestricted, Version: version("v1.30")},
	}
	hook := podSecurity(t, s, spec)
	for n, labels := range []map[string]string{
		{},
		{"team": "shop"},
		{api.EnforceLevelLabel: "privileged"},
		{api.EnforceLevelLabel: "restricted"},
		{api.EnforceLevelLabel: "restricted", api.WarnLevelLabel: "privileged"},
		{api.EnforceVersionLabel: "v1.30"},
		{api.EnforceLevelLabel: "privileged", api.WarnLevelLabel: "baseline"},
		{api.EnforceLevelLabel: "privileged", api.WarnLevelLabel: "baseline", api.WarnVersionLabel: "latest"},
		{api.WarnLevelLabel: "privileged", api.AuditLevelLabel: "privileged"},
	} {
		wanted, faults := api.PolicyToEvaluate(labels, defaults)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		ns, err := s.NamespaceWith(t.Context(), fmt.Sprintf("defaults-%d", n), hook, maps.Clone(labels))
		must(t, err)
		// Violates both levels, or only the stricter one.
		for level, pod := range map[api.Level]*harness.Object{
			api.LevelBaseline:   s.GoodPod(ns, "privileged", harness.Privileged),
			api.LevelRestricted: s.GoodPod(ns, "unprofiled", harness.Unprofiled),
		} {
			refuses := func(asked api.LevelVersion) bool { return api.CompareLevels(asked.Level, level) >= 0 }
			denied, warned := refuses(wanted.Enforce), !refuses(wanted.Enforce) && refuses(wanted.Warn)
			must(t, harness.Await(t.Context(), fmt.Sprintf("labels %v: a pod that violates %s is denied: %v, warned of: %v", labels, level, denied, warned), func(ctx context.Context) (bool, error) {
				answer := s.Create(ctx, pod, true)
				why := fmt.Errorf("error: %v, warnings %q", answer.Err, answer.Warnings)
				if denied {
					return answer.Denied() && strings.Contains(answer.Err.Error(), fmt.Sprintf("violates PodSecurity %q", wanted.Enforce.String())), why
				}
				said := fmt.Sprintf("would violate PodSecurity %q", wanted.Warn.String())
				has := slices.ContainsFunc(answer.Warnings, func(w string) bool { return strings.HasPrefix(w, said) })
				return answer.Err == nil && has == warned && (warned || len(answer.Warnings) == 0), why
			}))
		}
	}
}
