package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// KubectlReading is what kubectl takes out of a file, and what it then complains of.
type KubectlReading struct {
	Objects []json.RawMessage `json:"objects"`
	Error   string            `json:"error,omitempty"`
}

// KubectlRecord is the file, next to the manifests, with the objects that kubectl reads from each of them.
const KubectlRecord = "kubectl.json"

// ReadManifests reads every manifest of the folder as kubectl does.
func ReadManifests(folder string) (map[string]KubectlReading, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	readings := map[string]KubectlReading{}
	for _, entry := range entries {
		if entry.Name() == KubectlRecord {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		readings[entry.Name()] = readAsKubectl(content)
	}
	return readings, nil
}

// readAsKubectl does what resource.StreamVisitor and resource.FlattenListVisitor of k8s.io/cli-runtime do, with the same
// decoders: a document after the other up to the first that cannot be read, and anything with items taken apart.
func readAsKubectl(content []byte) KubectlReading {
	reading := KubectlReading{Objects: []json.RawMessage{}}
	complain := func(err error) {
		if reading.Error == "" {
			reading.Error = strings.SplitN(err.Error(), "\n", 2)[0]
		}
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		document := runtime.RawExtension{}
		if err := decoder.Decode(&document); err == io.EOF {
			return reading
		} else if err != nil {
			complain(err)
			return reading
		}
		raw := bytes.TrimSpace(document.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		object, _, err := unstructured.UnstructuredJSONScheme.Decode(raw, nil, nil)
		if err != nil {
			complain(err)
			continue
		}
		items, err := flatten(object)
		if err != nil {
			complain(err)
			continue
		}
		for _, item := range items {
			if item.GetObjectKind().GroupVersionKind().Kind == "" || item.GetObjectKind().GroupVersionKind().Version == "" {
				complain(fmt.Errorf("an object has no kind or no apiVersion"))
				continue
			}
			text, err := json.Marshal(item)
			if err != nil {
				complain(err)
				continue
			}
			reading.Objects = append(reading.Objects, text)
		}
	}
}

func flatten(object runtime.Object) ([]runtime.Object, error) {
	var flat []runtime.Object
	queue := []runtime.Object{object}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		if !meta.IsListType(next) {
			flat = append(flat, next)
			continue
		}
		items, err := meta.ExtractList(next)
		if err != nil {
			return nil, err
		}
		if errs := runtime.DecodeList(items, unstructured.UnstructuredJSONScheme); len(errs) > 0 {
			return nil, errs[0]
		}
		queue = append(queue, items...)
	}
	return flat, nil
}
