package e2e

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podreeve.dev/e2e/harness"
)

// fieldList says of every field of the pod API what podreeve does with it. It belongs to the Rust side.
var fieldList = filepath.Join("..", "tests", "podspec-fields.txt")

var fieldTypes = []reflect.Type{
	reflect.TypeFor[corev1.PodSpec](), reflect.TypeFor[corev1.Container](), reflect.TypeFor[corev1.EphemeralContainer](),
	reflect.TypeFor[corev1.PodSecurityContext](), reflect.TypeFor[corev1.SecurityContext](),
}

// A field that a new Kubernetes brings must be judged, or somebody must have said why it is harmless.
func TestFieldListKnowsTheWholeAPI(t *testing.T) {
	listed := readFieldList(t)
	var api []string
	for _, typ := range fieldTypes {
		for _, field := range jsonFields(typ) {
			api = append(api, typ.Name()+"."+field)
		}
	}
	for _, field := range api {
		if _, known := listed[field]; !known {
			t.Errorf("%s has no line for %s: judge it by a rule, or say why it is harmless", fieldList, field)
		}
	}
	for field := range listed {
		if !slices.Contains(api, field) {
			t.Errorf("%s names %s, which k8s.io/api/core/v1 does not have: remove the line", fieldList, field)
		}
	}
	t.Logf("e2e: fields of the pod API: %d, listed: %d", len(api), len(listed))
}

// The rules that the list names are rules of the binary.
func TestFieldListNamesRules(t *testing.T) {
	s := up(t)
	for field, verdict := range readFieldList(t) {
		names, isJudged := strings.CutPrefix(verdict, "judged:")
		for _, id := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' }) {
			known := slices.ContainsFunc(s.rules, func(rule harness.Rule) bool { return rule.ID == id })
			if isJudged && !known {
				t.Errorf("%s says that rule %q judges %s, but `podreeve rules` has no such rule", fieldList, id, field)
			}
		}
	}
}

// Containers stand in these lists and nowhere else; a fourth list would pass all rules by.
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
		t.Errorf("the pod API holds containers in %v, podreeve looks at %v", lists, want)
	}
}

var fieldLine = regexp.MustCompile(`^(\w+\.\w+)\t((?:judged|pending):[a-z0-9-]+(?:[, ]+[a-z0-9-]+)*|harmless:.*\S.*)$`)

func readFieldList(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(fieldList)
	if err != nil {
		t.Fatalf("the list of judged and harmless fields is missing: %v", err)
	}
	listed := map[string]string{}
	for number, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := fieldLine.FindStringSubmatch(line)
		if parts == nil {
			t.Errorf("%s:%d is not `Type.field<TAB>judged:RULES|harmless:REASON|pending:RULE`: %q", fieldList, number+1, line)
			continue
		}
		if _, twice := listed[parts[1]]; twice {
			t.Errorf("%s:%d lists %s again", fieldList, number+1, parts[1])
		}
		listed[parts[1]] = parts[2]
	}
	return listed
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
