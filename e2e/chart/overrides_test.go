package chart

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"podreeve.dev/e2e/pages"
)

const overrides = `policyOverrides={"owasp":{"rules":{"image-digest":{"action":"deny"},"privileged-ports":{"action":false},"memory-limit":{"params":{"max":"4Gi"}}}}}`
const exempt = `exemptions=[{"rules":["privileged"],"namespaces":["storage"],"reason":"the CSI driver mounts file systems","until":"2999-12-31"}]`

// What the values change is a file that extends the built-in policy, and podreeve gets that file in place of the name.
func TestOverridesAreFiles(t *testing.T) {
	objects := render(t, "default", "--set-json", overrides, "--set-json", exempt)
	files := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-policies").Data
	if len(files) != 1 {
		t.Fatalf("the files are %v", files)
	}
	args := deployment(t, "default", "--set-json", overrides).Spec.Template.Spec.Containers[0].Args
	if slices.Contains(args, "--policy=owasp") || slices.Contains(args, "--policy=none") || !slices.Contains(args, "--policy=/etc/podreeve/policies") {
		t.Errorf("the policies are %v", args)
	}
	dir := t.TempDir()
	write(t, dir+"/owasp.yaml", files["built-in-owasp.yaml"])
	write(t, dir+"/pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: storage}\nspec:\n  containers:\n  - name: a\n    image: registry.example.com/a:1\n    securityContext: {privileged: true}\n")
	out, complaints, _ := podreeve(t, "", "check", "--policy", dir+"/owasp.yaml", "-o", "json", dir+"/pod.yaml")
	var said report
	if err := json.Unmarshal([]byte(out), &said); err != nil || len(said.Objects) != 1 {
		t.Fatalf("%v\n%s%s", err, out, complaints)
	}
	effects := map[string]string{}
	for _, violation := range said.Objects[0].Violations {
		effects[violation.Rule] = violation.Effect
	}
	for rule, effect := range map[string]string{"privileged": "exempt", "image-digest": "deny", "memory-limit": "deny", "run-as-non-root": "deny"} {
		if effects[rule] != effect {
			t.Errorf("%s: %q, wanted %q", rule, effects[rule], effect)
		}
	}
}

// Exemptions alone change every built-in policy, and leave a policy of its own version at that.
func TestExemptionsReachEveryBuiltInPolicy(t *testing.T) {
	objects := render(t, "default", "--set-json", `policies=["owasp","pss-restricted@v1.30"]`, "--set-json", exempt)
	files := find[core.ConfigMap](t, objects, "ConfigMap", "podreeve-policies").Data
	for file, extends := range map[string]string{"built-in-owasp.yaml": "extends: owasp", "built-in-pss-restricted-v1.30.yaml": "extends: pss-restricted@v1.30"} {
		if !strings.Contains(files[file], extends) || !strings.Contains(files[file], "- storage") {
			t.Errorf("%s is %q", file, files[file])
		}
	}
	if key := "podreeve.dev/policy-files"; deployment(t, "default", "--set-json", exempt).Spec.Template.Annotations[key] == "" {
		t.Errorf("the pods have no annotation %s, so an exemption that does not load would not stop the upgrade", key)
	}
}

// Each mistake is refused by a sentence, with what was probably meant.
func TestWrongOverridesAreRefused(t *testing.T) {
	for set, says := range map[string]string{
		`policyOverrides={"owsp":{}}`:                                             "policyOverrides has owsp, which is no built-in policy; did you mean owasp? They are owasp, pss-baseline, pss-restricted",
		`policyOverrides={"pss-baseline":{}}`:                                     "policyOverrides.pss-baseline changes a policy that `policies` does not name",
		`policyOverrides={"owasp":{"mach":{}}}`:                                   "policyOverrides.owasp has mach, which is no key of a policy; did you mean match?",
		`policyOverrides={"owasp":{"rules":{"privilegd":{"action":"off"}}}}`:      "policyOverrides.owasp.rules has privilegd, which is no rule; did you mean privileged?",
		`policyOverrides={"owasp":{"rules":{"privileged":{"actoin":"off"}}}}`:     "policyOverrides.owasp.rules.privileged has actoin, which is no key of a rule; did you mean action?",
		`policyOverrides={"owasp":{"rules":{"privileged":{"action":"dny"}}}}`:     "policyOverrides.owasp.rules.privileged.action is dny, which is no action; did you mean deny?",
		`policyOverrides={"owasp":{"rules":{"host-path":{"params":{"alow":1}}}}}`: "policyOverrides.owasp.rules.host-path.params has alow, which is no parameter of this rule; did you mean allow?",
		`policies=["owsp"]`: "policies has owsp, which is no built-in policy; did you mean owasp?",
		`exemptions=[{"rules":["privilegd"],"namespaces":["a"],"reason":"r"}]`:                              "exemptions[0].rules has privilegd, which is no rule; did you mean privileged?",
		`policyOverrides={"owasp":{"exemptions":[{"rules":["host-pth"],"namespaces":["a"],"reason":"r"}]}}`: "policyOverrides.owasp.exemptions[0].rules has host-pth, which is no rule; did you mean host-path?",
		`exemptions=[{"rules":["privileged"],"namespaces":["a"],"reason":"r","imges":["a"]}]`:               "imges",
		`exemptions=[{"rules":["privileged"],"namespaces":["a"],"reason":"r","until":"soon"}]`:              "until",
		`policies=[],` + exempt: "exemptions exempts from the built-in policies, and `policies` names none",
		`exemptions=[{"rules":["privileged"],"namespaces":["a"]}]`: "reason",
	} {
		_, err := helm(t, "helm4").Template("--set-json", set)
		if err == nil {
			t.Errorf("--set-json %s is taken", set)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("--set-json %s: the error has no %q: %v", set, says, err)
		}
	}
}

// On docs/built-in.md, the policy and the values (its values.yaml) mean the same.
func TestThePageOfOverrides(t *testing.T) {
	read, err := pages.Read(Root(), "docs/built-in.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, block := range read[0].Blocks {
		files[block.Settings["file"]] = block.Text
	}
	rendered := find[core.ConfigMap](t, render(t, "default", "-f", writeTemp(t, files["values.yaml"])), "ConfigMap", "podreeve-policies").Data
	var got, want any
	for text, into := range map[string]*any{rendered["built-in-owasp.yaml"]: &got, files["owasp.yaml"]: &want} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if want == nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the values render\n%v\nand the policy of the page is\n%v", got, want)
	}
}
