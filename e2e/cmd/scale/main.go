// Command scale fills a real API server with pods and measures what podreeve takes there: memory, calls and time.
//
//	go run ./cmd/scale -podreeve BINARY [-page ../docs/scale.md] [PODS ...]
//
// There are ten pods in each namespace, and on each node. The page is written from what was measured, and from nothing else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"podreeve.dev/e2e/harness"
)

var build string

func main() {
	binary := flag.String("podreeve", "", "the binary to measure")
	flag.StringVar(&build, "build", "a release build", "what it is, for the page")
	page := flag.String("page", "", "the file to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *page, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// wanted is the size that podreeve is made for.
const wanted = 50000

func run(ctx context.Context, binary, page string, args []string) (err error) {
	sizes := []int{500, 5000, wanted}
	if len(args) > 0 {
		sizes = nil
	}
	for _, arg := range args {
		pods, err := strconv.Atoi(arg)
		if err != nil || pods < podsInNamespace {
			return fmt.Errorf("%q is no number of pods; name at least %d", arg, podsInNamespace)
		}
		sizes = append(sizes, pods)
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("no podreeve to measure: %w; build one with `cargo build --release` and name it with -podreeve", err)
	}
	cluster, err := harness.Up(ctx, harness.Options{Podreeve: binary, Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer func() {
		if down := cluster.Down(err != nil); err == nil {
			err = down
		}
	}()
	if err := cluster.InstallReports(ctx, harness.OpenReports); err != nil {
		return err
	}
	kubelet, err := cluster.StartKubelet(4096)
	if err != nil {
		return err
	}
	var rows []row
	load := load{cluster: cluster, kubelet: kubelet}
	for _, pods := range sizes {
		if err := load.grow(ctx, pods); err != nil {
			return err
		}
		row, err := measure(ctx, &load)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "scale: %+v\n", row)
		rows = append(rows, row)
		// What was measured so far is worth keeping, whatever becomes of the next size.
		if page != "" {
			if err := os.WriteFile(page, []byte(text(rows)), 0o644); err != nil {
				return err
			}
		}
	}
	fmt.Print(table(rows))
	return nil
}
