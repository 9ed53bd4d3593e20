// Command chart writes the files that are made from the chart (`make gen`) and prints those that changed.
package main

import (
	"fmt"
	"os"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func generate() error {
	crds, err := chart.CRDs()
	if err != nil {
		return err
	}
	defaults, err := chart.Defaults()
	if err != nil {
		return err
	}
	schema, err := chart.ValuesSchema()
	if err != nil {
		return err
	}
	if err := write(append(crds, defaults, schema)); err != nil { // first, because the chart is rendered with them
		return err
	}
	tools, err := harness.EnsureTools(os.Stderr, "helm4")
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "podreeve-chart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	files, err := chart.Files(chart.Helm{Program: tools.Path("helm4"), Home: home})
	if err != nil {
		return err
	}
	return write(files)
}

func write(files []chart.File) error {
	for _, file := range files {
		changed, err := file.Write()
		if err != nil {
			return err
		}
		if changed {
			fmt.Println(file.Path)
		}
	}
	return nil
}
