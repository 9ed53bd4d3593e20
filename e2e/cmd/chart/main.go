// Command chart writes the files that are made from the chart (`make gen`) and prints those that changed. `chart install VERSION
// [--set KEY=VALUE]...` writes nothing and prints the install.yaml of a release.
package main

import (
	"fmt"
	"os"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
)

func main() {
	do := generate
	if len(os.Args) > 2 && os.Args[1] == "install" {
		do = func() error { return install(os.Args[2], os.Args[3:]) }
	}
	if err := do(); err != nil {
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
	helm, done, err := ownHelm()
	if err != nil {
		return err
	}
	defer done()
	files, err := chart.Files(helm)
	if err != nil {
		return err
	}
	return write(files)
}

func install(version string, args []string) error {
	helm, done, err := ownHelm()
	if err != nil {
		return err
	}
	defer done()
	text, err := chart.ReleaseManifest(helm, version, args...)
	if err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(text)
	return err
}

// ownHelm is a Helm with a folder of its own, which `done` removes.
func ownHelm() (chart.Helm, func(), error) {
	tools, err := harness.EnsureTools(os.Stderr, "helm4")
	if err != nil {
		return chart.Helm{}, nil, err
	}
	home, err := os.MkdirTemp("", "podreeve-chart-")
	if err != nil {
		return chart.Helm{}, nil, err
	}
	return chart.Helm{Program: tools.Path("helm4"), Home: home}, func() { os.RemoveAll(home) }, nil
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
