// Command report reads `go test -json` and prints it for people: a line for each test, the whole output of what failed,
// the suite's own remarks (lines with `e2e:`), and the counts. It exits 1 unless nothing failed and something ran or said why not.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

type report struct {
	output                  map[string][]string // by test, until it ends
	inner                   map[string]int      // subtests by top-level test
	passed, failed, skipped int
	brokenPackages          int
}

func main() {
	r := report{output: map[string][]string{}, inner: map[string]int{}}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // the go command's own words
			continue
		}
		r.take(e)
	}
	fmt.Printf("e2e: %d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if r.failed > 0 || r.brokenPackages > 0 || r.passed+r.skipped == 0 {
		os.Exit(1)
	}
}

func (r *report) take(e event) {
	key := e.Package + " " + e.Test
	top, _, nested := strings.Cut(e.Test, "/")
	switch e.Action {
	case "output":
		r.remark(e)
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Print(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, key)
			return
		}
		r.count(e.Action)
		if nested {
			r.inner[e.Package+" "+top]++
		} else {
			fmt.Printf("%-5s%s (%d subtests)\n", e.Action, e.Test, r.inner[key])
		}
		if e.Action != "pass" {
			r.tell(key)
		}
		delete(r.output, key)
	}
}

// remark shows what the suite wants seen even when all is well.
func (r *report) remark(e event) {
	if _, text, found := strings.Cut(e.Output, "e2e: "); found {
		fmt.Print("     e2e: " + text)
	}
}

func (r *report) count(action string) {
	switch action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
	case "skip":
		r.skipped++
	}
}

// endPackage: a package that fails without a failed test did not build, panicked or could not clean up.
func (r *report) endPackage(e event, key string) {
	if e.Action == "fail" {
		r.brokenPackages++
		r.tell(key)
	}
}

// tell prints what a test said, without the runner's frame and without the remarks, which were shown at once.
func (r *report) tell(key string) {
	for _, line := range r.output[key] {
		if !strings.HasPrefix(line, "=== ") && !strings.Contains(line, "e2e: ") {
			fmt.Print(line)
		}
	}
}
