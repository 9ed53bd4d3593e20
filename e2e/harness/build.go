package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// EnsureTools builds what is not there yet of the named tools, and says on progress how far it is.
func EnsureTools(progress io.Writer, names ...string) (Tools, error) {
	tools := Tools{dirs: map[string]string{}}
	missing := map[string][]tool{} // by module
	var modules []string
	count := 0
	for _, name := range names {
		tool, err := findTool(name)
		if err != nil {
			return Tools{}, err
		}
		if err := tools.know(tool.module); err != nil {
			return Tools{}, err
		}
		if tools.has(tool) {
			continue
		}
		if missing[tool.module] == nil {
			modules = append(modules, tool.module)
		}
		missing[tool.module] = append(missing[tool.module], tool)
		count++
	}
	report := newBuildReport(progress, count)
	defer report.stop()
	for _, module := range modules {
		if err := tools.build(module, missing[module], report); err != nil {
			return Tools{}, err
		}
	}
	return tools, nil
}

// know finds the folder of a module's tools.
func (t Tools) know(module string) error {
	if t.dirs[module] != "" {
		return nil
	}
	source, err := toolsModule(module)
	if err != nil {
		return err
	}
	t.dirs[module], err = toolsCache(source, module)
	return err
}

// build makes all tools of one module in one call of Go, and puts each in place when it is whole.
func (t Tools) build(module string, missing []tool, report *buildReport) error {
	source, err := toolsModule(module)
	if err != nil {
		return err
	}
	dir := t.dirs[module]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w (PODREEVE_CACHE names another one)", err)
	}
	unlock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer unlock()
	partial, err := newPartial(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	// Two programs of one file name would overwrite each other.
	for round := missing; len(round) > 0; {
		var together, later []tool
		files := map[string]bool{}
		for _, tool := range round {
			switch {
			case t.has(tool): // by a run that had the lock before
				report.done(tool.name)
			case files[tool.file()]:
				later = append(later, tool)
			default:
				files[tool.file()] = true
				together = append(together, tool)
			}
		}
		if err := t.buildTogether(source, partial, together, report); err != nil {
			return err
		}
		round = later
	}
	return nil
}

func (t Tools) buildTogether(source, partial string, tools []tool, report *buildReport) error {
	if len(tools) == 0 {
		return nil
	}
	args := []string{"build", "-v", "-ldflags", linkFlags(source, tools[0].module), "-o", partial + string(filepath.Separator)}
	named := map[string]string{} // by the package that Go says it compiles
	for _, tool := range tools {
		args = append(args, tool.pkg)
		named[tool.pkg] = tool.name + " " + tool.version(source)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = source, goEnvironment(), childAttributes()
	if err := report.follow(cmd, named); err != nil {
		return fmt.Errorf("build %s in %s: %w", args[len(args)-len(tools):], source, err)
	}
	for _, tool := range tools {
		if err := os.Rename(filepath.Join(partial, tool.file()), t.Path(tool.name)); err != nil {
			return fmt.Errorf("put %s in place: %w", tool.name, err)
		}
		report.done(tool.name + " " + tool.version(source))
	}
	return nil
}

// majorVersion is the last part of a module's path that is no name.
var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// file is the name that Go gives the program.
func (t tool) file() string {
	switch {
	case t.pkg == ".":
		return path.Base(path.Clean("/" + strings.TrimLeft(t.module, "./")))
	case majorVersion.MatchString(path.Base(t.pkg)):
		return path.Base(path.Dir(t.pkg))
	default:
		return path.Base(t.pkg)
	}
}

// buildReport says on lines of its own how far the building is: n of m, and the minutes so far.
type buildReport struct {
	out      io.Writer
	total    int
	began    time.Time
	mu       sync.Mutex
	told     map[string]bool
	compiled int
	end      chan struct{}
}

// beat is how often a line says that the work goes on.
const beat = time.Minute

func newBuildReport(out io.Writer, total int) *buildReport {
	r := &buildReport{out: out, total: total, began: time.Now(), told: map[string]bool{}, end: make(chan struct{})}
	if total == 0 {
		return r
	}
	r.say("building %s from source, once; what is compiled is kept when this is cut off", count(total, "tool"))
	go func() {
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-r.end:
				return
			case <-ticker.C:
				r.mu.Lock()
				r.say("%d of %d tools, %d packages compiled, %s so far", len(r.told), r.total, r.compiled, r.minutes())
				r.mu.Unlock()
			}
		}
	}()
	return r
}

func (r *buildReport) stop() { close(r.end) }

func (r *buildReport) say(format string, args ...any) {
	fmt.Fprintf(r.out, "e2e: "+format+"\n", args...)
}

func (r *buildReport) minutes() string {
	return count(int(time.Since(r.began).Round(time.Minute).Minutes()), "minute")
}

// done says of a tool, once, that it is there.
func (r *buildReport) done(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.told[name] {
		r.told[name] = true
		r.say("tool %d of %d: %s, %s so far", len(r.told), r.total, name, r.minutes())
	}
}

// follow runs `go build -v`, which names each package that it compiles: that of a program comes last, before it is linked.
func (r *buildReport) follow(cmd *exec.Cmd, named map[string]string) error {
	output, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := startOnLastingThread(cmd); err != nil {
		return err
	}
	var said []string
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if name, found := named[line]; found {
			r.done(name)
		} else if strings.Contains(line, " ") {
			said = append(said, line) // downloads, and errors
		} else {
			r.mu.Lock()
			r.compiled++
			r.mu.Unlock()
		}
	}
	if err := cmd.Wait(); err != nil {
		return errors.Join(err, errors.New(strings.Join(said, "\n")))
	}
	return nil
}

func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
