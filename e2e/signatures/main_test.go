package signatures

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"podreeve.dev/e2e/harness"
)

var tools = sync.OnceValues(func() (harness.Tools, error) {
	return harness.EnsureTools(os.Stderr, harness.SignatureTools...)
})

// workshop is a folder with a registry, and what the tools leave behind.
type workshop struct {
	t        *testing.T
	dir      string
	registry string
}

// open starts a registry with the referrers API, which ends with the test.
func open(t *testing.T) *workshop {
	t.Helper()
	port, err := harness.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{t: t, dir: t.TempDir(), registry: fmt.Sprintf("127.0.0.1:%d", port)}
	registry, err := harness.StartProcess("registry", w.dir, w.tool("crane"), []string{"registry", "serve", "--address", w.registry}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Stop)
	err = harness.Await(t.Context(), "the registry", func(context.Context) (bool, error) {
		answer, err := http.Get("http://" + w.registry + "/v2/")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *workshop) tool(name string) string {
	w.t.Helper()
	tools, err := tools()
	if err != nil {
		w.t.Fatal(err)
	}
	return tools.Path(name)
}

// run runs a program in the workshop, and returns what it prints.
func (w *workshop) run(program string, args ...string) string {
	w.t.Helper()
	out, err := w.try(program, args...)
	if err != nil {
		w.t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func (w *workshop) try(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(w.t.Context(), program, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "COSIGN_YES=true")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if err != nil {
		return out.String() + said.String(), err
	}
	return out.String(), nil
}

func (w *workshop) cosign(args ...string) string {
	w.t.Helper()
	return w.run(w.tool("cosign"), args...)
}
func (w *workshop) crane(args ...string) string { w.t.Helper(); return w.run(w.tool("crane"), args...) }

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) write(name, text string) string {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}

func (w *workshop) read(name string) string {
	w.t.Helper()
	text, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}
