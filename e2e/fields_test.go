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

// fieldList says of every field of the pod API what podreeve does with it; its head explains the format. It belongs to
// the Rust side, which compares it with another description of the API.
var fieldList = filepath.Join("..", "tests", "podspec-fields.txt")

// apiMinor is the version of k8s.io/api that this module is built with: v0.36 is Kubernetes 1.36.
const apiMinor = 36

// mustBeListed whole; of other types only those that the list names.
var mustBeListed = []string{"PodSpec", "Container", "EphemeralContainer", "PodSecurityContext", "SecurityContext"}

// A field that a new Kubernetes brings must be judged, or somebody must have said why it is harmless.
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
			t.Errorf("%s has no line for %s: judge it by a rule, or say why it is harmless", fieldList, field)
		}
	}
	for field, line := range listed {
		if !slices.Contains(api, field) && line.inVersion(apiMinor) {
			t.Errorf("%s names %s, which Kubernetes 1.%d does not have: remove the line, or say since or until when", fieldList, field, apiMinor)
		}
	}
	t.Logf("e2e: fields of the pod API: %d, listed: %d", len(api), len(listed))
}

// The rules that the list names are rules of the binary.
func TestFieldListNamesRules(t *testing.T) {
	rules, err := up(t).Rules(t.Context())
	must(t, err)
	for field, line := range readFieldList(t) {
		names, isJudged := strings.CutPrefix(line.verdict, "judged:")
		for _, id := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' }) {
			known := slices.ContainsFunc(rules, func(rule harness.Rule) bool { return rule.ID == id })
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

type fieldLine struct {
	verdict      string
	since, until int // minor versions; 0 for none
}

// inVersion: a line is of the versions from since to until, both included.
func (l fieldLine) inVersion(minor int) bool {
	return minor >= l.since && (l.until == 0 || minor <= l.until)
}

var (
	fieldVerdict = regexp.MustCompile(`^((judged|pending):[a-z0-9-]+([, ]+[a-z0-9-]+)*|harmless:.*\S.*)$`)
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
			t.Errorf("%s:%d is not `Type.field<TAB>judged:RULES|harmless:REASON|pending:RULE`: %q", fieldList, number+1, line)
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
