package harness

import (
	"regexp"
	"strconv"
)

var pathSteps = regexp.MustCompile(`\["([^"]*)"\]|\[(\d+)\]|([^.\[\]]+)`)

// Lookup reads a dotted path as denials have it: `spec.containers[0].image`, `metadata.annotations["example.com/a"]`.
// An absent field is nil.
func Lookup(object *Object, path string) any {
	var value any = object.Object
	for _, step := range pathSteps.FindAllStringSubmatch(path, -1) {
		if index, err := strconv.Atoi(step[2]); err == nil {
			list, _ := value.([]any)
			if index >= len(list) {
				return nil
			}
			value = list[index]
			continue
		}
		fields, _ := value.(map[string]any)
		value = fields[step[1]+step[3]]
	}
	return value
}
