package e2e

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podreeve.dev/e2e/harness"
)

// fieldList has what is decided about every field of the pod API; its head explains the format. The Rust tests compare it
// with another description of the API.
var fieldList = filepath.Join("..", "tests", "podspec-fields.txt")

// judgedFields has the rules that judge each field, as the Rust tests find them out from the rules' examples.
var judgedFields = filepath.Join("..", "tests", "house", "snapshots", "house__fields__each_field_has_the_rules_that_judge_it.snap")

// apiMinor is the version of k8s.io/api that this module is built with: v0.36 is Kubernetes 1.36.
const apiMinor = 36

// rustMinor is the version of the API that the Rust side is built with (the feature of k8s-openapi in Cargo.toml).
const rustMinor = 37

// mustBeListed are types whose every field is listed. Of other types the list has only those that it names.
var mustBeListed = []string{"PodSpec", "Container", "EphemeralContainer", "PodSecurityContext", "SecurityContext"}

// A field that a new Kubernetes brings must be judged by a rule, or have a line that says why it is harmless.
func TestFieldListKnowsTheWholeAPI(t *testing.T) {
	listed, types := readFieldList(t), podTypes()
	names := slices.Clone(mustBeListed)
	for field := range listed {
		name, _, _ := strings.Cut(field, ".")
		names = append(names, name)
	}
	slices.Sort(names)
	var api []string
	for _, name := range slices.Compact(names) {
		typ, known := types[name]
		if !known {
			continue // its lines fail below, unless they are of another version
		}
		for _, field := range jsonFields(typ) {
			api = append(api, name+"."+field)
		}
	}
	for _, field := range api {
		if _, known := listed[field]; !known {
			t.Errorf("%s has no line for %s: add `judged` and an example in a rule, or `harmless:<why>`", fieldList, field)
		}
	}
	for field, line := range listed {
		if !slices.Contains(api, field) && line.inVersion(apiMinor) {
			t.Errorf("%s names %s, which Kubernetes 1.%d does not have: delete the line, or add the third column since:v1.NN or until:v1.NN", fieldList, field, apiMinor)
		}
	}
	t.Logf("e2e: fields of the pod API: %d, listed: %d", len(api), len(listed))
}

// The rules that judge a field are rules of the binary, and each field that the list calls judged has one.
func TestFieldListNamesRules(t *testing.T) {
	rules, err := up(t).Rules(t.Context())
	must(t, err)
	judged := readJudgedFields(t)
	for field, ids := range judged {
		for _, id := range ids {
			if !slices.ContainsFunc(rules, func(rule harness.Rule) bool { return rule.ID == id }) {
				t.Errorf("%s says that rule %q judges %s, but `podreeve rules` has no such rule: run `make gen`",
					judgedFields, id, field)
			}
		}
	}
	for field, line := range readFieldList(t) {
		if line.verdict == "judged" && len(judged[field]) == 0 && line.inVersion(rustMinor) {
			t.Errorf("%s calls %s judged, but %s has no rule for it: add an example to the rule that judges it", fieldList, field, judgedFields)
		}
	}
}

// These lists hold containers, and no other field does. No rule would judge the containers of a fourth list.
func TestContainerLists(t *testing.T) {
	var lists []string
	container, ephemeral := reflect.TypeFor[corev1.Container](), reflect.TypeFor[corev1.EphemeralContainer]()
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, path string) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ == container || typ == ephemeral {
			lists = append(lists, path)
			return
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			walk(typ.Field(i).Type, path+"."+name)
		}
	}
	walk(reflect.TypeFor[corev1.PodSpec](), "spec")
	slices.Sort(lists)
	if want := []string{"spec.containers", "spec.ephemeralContainers", "spec.initContainers"}; !slices.Equal(lists, want) {
		t.Errorf("the pod API holds containers in %v, Pod::all_containers reaches %v: add the list to ContainerKind in src/workload/", lists, want)
	}
}

type fieldLine struct {
	verdict      string
	since, until int // minor versions; 0 for none
}

// inVersion: a line is of the versions from since to until, both included.
func (l fieldLine) inVersion(minor int) bool {
	return minor >= l.since && (l.until == 0 || minor <= l.until)
}

var (
	fieldVerdict = regexp.MustCompile(`^(judged|presence|harmless:.*\S.*)$`)
	judgedField  = regexp.MustCompile(`(?m)^(\w+\.\w+): ([a-z0-9, -]+)$`)
	fieldVersion = regexp.MustCompile(`^(since|until):v1\.(\d+)$`)
)

func readFieldList(t *testing.T) map[string]fieldLine {
	t.Helper()
	text, err := os.ReadFile(fieldList)
	if err != nil {
		t.Fatalf("the list of judged and harmless fields is missing: %v", err)
	}
	listed := map[string]fieldLine{}
	for number, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) < 2 || !fieldVerdict.MatchString(columns[1]) {
			t.Errorf("%s:%d is not `Type.field<TAB>judged|presence|harmless:REASON`: %q", fieldList, number+1, line)
			continue
		}
		if _, twice := listed[columns[0]]; twice {
			t.Errorf("%s:%d lists %s again", fieldList, number+1, columns[0])
		}
		entry := fieldLine{verdict: columns[1]}
		for _, column := range columns[2:] {
			version := fieldVersion.FindStringSubmatch(column)
			if version == nil {
				t.Errorf("%s:%d: %q is neither since:v1.NN nor until:v1.NN", fieldList, number+1, column)
				continue
			}
			minor, _ := strconv.Atoi(version[2]) // digits
			if version[1] == "since" {
				entry.since = minor
			} else {
				entry.until = minor
			}
		}
		listed[columns[0]] = entry
	}
	return listed
}

func readJudgedFields(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(judgedFields)
	if err != nil {
		t.Fatalf("the list of fields and the rules that judge them is missing; run `make gen`: %v", err)
	}
	fields := map[string][]string{}
	for _, line := range judgedField.FindAllStringSubmatch(string(text), -1) {
		fields[line[1]] = strings.Split(line[2], ", ")
	}
	if len(fields) < 100 {
		t.Fatalf("%s names only %d fields: its form is not `Type.field: rule, rule` any more; mend judgedField in this file", judgedFields, len(fields))
	}
	return fields
}

// podTypes are the structs of core/v1 that a PodSpec reaches, by name.
func podTypes() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || types[typ.Name()] != nil {
			return
		}
		types[typ.Name()] = typ
		for i := range typ.NumField() {
			walk(typ.Field(i).Type)
		}
	}
	walk(reflect.TypeFor[corev1.PodSpec]())
	return types
}

// jsonFields of a struct; those of an inlined struct are its own.
func jsonFields(typ reflect.Type) []string {
	var names []string
	for i := range typ.NumField() {
		field := typ.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "" && (field.Anonymous || strings.Contains(options, "inline")):
			names = append(names, jsonFields(field.Type)...)
		case name != "" && name != "-":
			names = append(names, name)
		}
	}
	return names
}
