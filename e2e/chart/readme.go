package chart

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a row of the README: a key of values.yaml.
type Value struct {
	Path    string
	Default string
	About   string
}

// readme is charts/podreeve/README.md: its text is in readme.md, the table comes from values.yaml.
func readme() (string, error) {
	text, err := os.ReadFile(filepath.Join(Root(), "e2e", "chart", "readme.md"))
	if err != nil {
		return "", fmt.Errorf("read the README's text: %w", err)
	}
	values, err := Values()
	if err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString("| key | default | |\n|---|---|---|\n")
	for _, value := range values {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", value.Path, value.Default, value.About)
	}
	return strings.Replace(string(text), "{{values}}\n", table.String(), 1), nil
}

// Values lists what can be set, in the order of values.yaml.
func Values() ([]Value, error) {
	text, err := os.ReadFile(filepath.Join(Dir(), "values.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read values.yaml: %w", err)
	}
	return rows(nil, "", "", document.Content[0])
}

// rows has one for every leaf; a map without own comments below it is one leaf.
func rows(all []Value, path, about string, node *yaml.Node) ([]Value, error) {
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 || (about != "" && !commented(node)) || path == "podSecurityContext" || path == "securityContext" {
		text, err := short(node)
		return append(all, Value{path, text, about}), err
	}
	var err error
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		child := strings.TrimPrefix(path+"."+key.Value, ".")
		if all, err = rows(all, child, comment(key), value); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func commented(node *yaml.Node) bool {
	for i := 0; i < len(node.Content); i += 2 {
		if node.Content[i].HeadComment != "" || commented(node.Content[i+1]) {
			return true
		}
	}
	return false
}

func comment(key *yaml.Node) string {
	var lines []string
	for line := range strings.Lines(key.HeadComment) {
		lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "#")))
	}
	return strings.ReplaceAll(strings.Join(lines, " "), "|", "\\|")
}

// short is the value on one line.
func short(node *yaml.Node) (string, error) {
	flow := *node
	setFlow(&flow)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	if err := encoder.Encode(&flow); err != nil {
		return "", fmt.Errorf("write a default of values.yaml: %w", err)
	}
	return strings.Join(strings.Fields(out.String()), " "), nil
}

func setFlow(node *yaml.Node) {
	node.HeadComment, node.LineComment, node.FootComment = "", "", ""
	if node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode {
		node.Style = yaml.FlowStyle
	}
	for _, child := range node.Content {
		setFlow(child)
	}
}
