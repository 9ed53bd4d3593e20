// Command report reads `go test -json` and prints it for people: a line for each test, the whole output of what failed,
// the suite's own remarks (lines with `e2e:`), and the counts, with the name of all that failed. A test that never ended and
// a package that did not build, panicked or ran out of time are failures, too. It exits 1 unless nothing failed and
// something ran or said why not.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	FailedBuild string
	Elapsed     float64 // seconds
}

type report struct {
	out             io.Writer
	output          map[string][]string // by test, until it ends
	inner           map[string]int      // subtests by top-level test
	running         map[string][]string // tests that have begun and not ended, by package
	open            []string            // packages that have begun and not ended
	passed, skipped int
	failed          []string          // tests
	failedIn        map[string]bool   // packages with a failed test
	panics          map[string]string // by package
	broken          []string          // packages, each with what became of it
}

func main() {
	os.Exit(run(os.Stdin, os.Stdout))
}

func run(in io.Reader, out io.Writer) int {
	r := &report{out: out, output: map[string][]string{}, inner: map[string]int{}, running: map[string][]string{}, failedIn: map[string]bool{}, panics: map[string]string{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text()) // the go command's own words
			continue
		}
		r.take(e)
	}
	if err := lines.Err(); err != nil {
		r.broken = append(r.broken, "the report could not be read to its end: "+err.Error())
	}
	for _, name := range r.open {
		r.endRunning(name)
		r.broken = append(r.broken, name+" never ended")
	}
	return r.conclude()
}

// conclude prints the counts, and whatever failed by name.
func (r *report) conclude() int {
	counts := fmt.Sprintf("%d passed, %d failed, %d skipped", r.passed, len(r.failed), r.skipped)
	if len(r.broken) > 0 {
		counts += fmt.Sprintf(", %d packages broken", len(r.broken))
	}
	switch {
	case len(r.failed)+len(r.broken) > 0:
		fmt.Fprintf(r.out, "e2e: FAILED: %s\n", counts)
		for _, name := range append(r.broken, r.failed...) {
			fmt.Fprintf(r.out, "e2e:   %s\n", name)
		}
		return 1
	case r.passed+r.skipped == 0:
		fmt.Fprintln(r.out, "e2e: FAILED: no test ran")
		return 1
	default:
		fmt.Fprintf(r.out, "e2e: %s\n", counts)
		return 0
	}
}

func (r *report) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "start":
		r.open = append(r.open, e.Package)
	case "run":
		r.running[e.Package] = append(r.running[e.Package], e.Test)
	case "output":
		r.remark(e)
		if strings.HasPrefix(e.Output, "panic: ") {
			r.panics[e.Package] = e.Output
		}
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, key)
		} else {
			r.endTest(e, key)
		}
	}
}

func (r *report) endTest(e event, key string) {
	r.running[e.Package] = slices.DeleteFunc(r.running[e.Package], func(name string) bool { return name == e.Test })
	r.count(e)
	if top, _, nested := strings.Cut(e.Test, "/"); nested {
		r.inner[e.Package+" "+top]++
	} else {
		fmt.Fprintf(r.out, "%-5s%s (%d subtests, %.1f s)\n", e.Action, e.Test, r.inner[key], e.Elapsed)
	}
	if e.Action != "pass" {
		r.tell(key)
	}
	delete(r.output, key)
}

func (r *report) count(e event) {
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed = append(r.failed, e.Test)
		r.failedIn[e.Package] = true
	case "skip":
		r.skipped++
	}
}

// remark shows what the suite wants seen even when all is well.
func (r *report) remark(e event) {
	if _, text, found := strings.Cut(e.Output, "e2e: "); found {
		fmt.Fprint(r.out, "     e2e: "+text)
	}
}

// endPackage: a package that fails without a failed test did not build, panicked, ran out of time or could not clean up.
func (r *report) endPackage(e event, key string) {
	r.open = slices.DeleteFunc(r.open, func(name string) bool { return name == e.Package })
	r.endRunning(e.Package)
	if e.Action != "fail" {
		return
	}
	r.tell(key)
	text := strings.Join(r.output[key], "")
	switch {
	case e.FailedBuild != "" || strings.Contains(text, "[build failed]") || strings.Contains(text, "[setup failed]"):
		r.broken = append(r.broken, e.Package+" did not build")
	case strings.HasPrefix(r.panics[e.Package], "panic: test timed out"):
		r.broken = append(r.broken, e.Package+" ran out of time, and the tests after that did not run")
	case r.panics[e.Package] != "":
		r.broken = append(r.broken, e.Package+" panicked, and the tests after that did not run")
	case !r.failedIn[e.Package]:
		r.broken = append(r.broken, e.Package+" failed outside of its tests")
	}
}

// endRunning counts the tests of a package that never ended as failed.
func (r *report) endRunning(name string) {
	for _, test := range r.running[name] {
		fmt.Fprintf(r.out, "fail %s (never ended)\n", test)
		r.tell(name + " " + test)
		r.failed = append(r.failed, test+" (never ended)")
		r.failedIn[name] = true
	}
	delete(r.running, name)
}

// tell prints what a test said, without the runner's frame and without the remarks, which were shown at once.
func (r *report) tell(key string) {
	for _, line := range r.output[key] {
		if !strings.HasPrefix(line, "=== ") && !strings.Contains(line, "e2e: ") {
			fmt.Fprint(r.out, line)
		}
	}
}
