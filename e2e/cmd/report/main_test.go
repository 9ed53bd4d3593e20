package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each is a test file of a module of its own, which the real `go test -json` runs; the report must name what is wrong.
func TestWhatFailsIsCountedAndNamed(t *testing.T) {
	good := "func TestGood(t *testing.T) {}\n"
	for name, c := range map[string]struct {
		body string
		args []string
		want []string
		code int
	}{
		"all is well":         {body: good, want: []string{"e2e: 1 passed, 0 failed, 0 skipped\n"}},
		"nothing ran":         {body: good, args: []string{"-run=Nothing"}, want: []string{"e2e: FAILED: no test ran"}, code: 1},
		"a test fails":        {body: good + `func TestBad(t *testing.T) { t.Error("the reason") }`, want: []string{"e2e: FAILED: 1 passed, 1 failed", "e2e:   TestBad\n", "the reason"}, code: 1},
		"it does not compile": {body: good + "func TestBad(t *testing.T) { nothing() }", want: []string{"e2e: FAILED: 0 passed, 0 failed, 0 skipped, 1 packages broken", "e2e:   example.com/a did not build", "undefined: nothing"}, code: 1},
		"it panics":           {body: good + `func TestBad(t *testing.T) { panic("the reason") }`, want: []string{"e2e: FAILED: 1 passed, 1 failed", "example.com/a panicked", "the reason"}, code: 1},
		"another goroutine panics": {body: good + `func TestBad(t *testing.T) { go panic("the reason"); select {} }`,
			want: []string{"e2e: FAILED: 1 passed, 1 failed", "example.com/a panicked", "e2e:   TestBad", "the reason"}, code: 1},
		"it runs out of time": {body: good + "func TestBad(t *testing.T) { <-t.Context().Done() }", args: []string{"-timeout=1s"},
			want: []string{"e2e: FAILED: 1 passed, 1 failed", "example.com/a ran out of time", "e2e:   TestBad (never ended)"}, code: 1},
		"the end of the package fails": {body: good + `func TestMain(m *testing.M) { m.Run(); println("the reason"); os.Exit(1) }`,
			want: []string{"e2e: FAILED: 1 passed, 0 failed, 0 skipped, 1 packages broken", "example.com/a failed outside of its tests", "the reason"}, code: 1},
		"a skipped test is no failure": {body: `func TestSkipped(t *testing.T) { t.Skip("e2e: skipped: no cluster") }`, want: []string{"e2e: 0 passed, 0 failed, 1 skipped", "e2e: skipped: no cluster"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events := goTest(t, c.body, c.args...)
			var out strings.Builder
			if code := run(strings.NewReader(events), &out); code != c.code {
				t.Errorf("exit code %d, wanted %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s\nof:\n%s", want, out.String(), events)
				}
			}
		})
	}
}

// A run of `go test` that was ended in the middle is no success either.
func TestAReportThatIsCutOffFails(t *testing.T) {
	events := `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"run","Package":"a","Test":"TestLong"}
`
	var out strings.Builder
	if code := run(strings.NewReader(events), &out); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"1 passed, 1 failed", "a never ended", "TestLong (never ended)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func goTest(t *testing.T, body string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	imports := `import "testing"`
	if strings.Contains(body, "os.") {
		imports = "import (\n\"os\"\n\"testing\"\n)"
	}
	for name, text := range map[string]string{"go.mod": "module example.com/a\n\ngo 1.26.0\n", "a_test.go": "package a\n" + imports + "\n" + body + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"test", "-json", "-vet=off"}, append(args, ".")...)...)
	cmd.Dir = dir
	events, err := cmd.Output()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(events)
}
