// Command psa answers what upstream's Pod Security Standards say of pods, for tests/psa_parity.rs to compare with.
//
//	psa about                     upstream's module version and checks, as JSON
//	psa fixtures                  every pod of upstream's test/testdata, one JSON object a line
//	psa judge   LEVEL:VERSION...  for each pod on stdin (one JSON object a line) one line with the checks that refuse it
//	psa explain LEVEL:VERSION...  the same with reasons, as JSON
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "psa:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("the command is missing: about, fixtures, judge or explain")
	}
	buffered := bufio.NewWriter(out)
	defer buffered.Flush()
	checks, err := newChecks()
	if err != nil {
		return err
	}
	switch command, targets := args[0], args[1:]; command {
	case "about":
		return about(checks, buffered)
	case "fixtures":
		return fixtures(buffered)
	case "judge":
		return answer(checks, targets, in, buffered, masks)
	case "explain":
		return answer(checks, targets, in, buffered, reasons)
	default:
		return fmt.Errorf("there is no command %q; there are about, fixtures, judge and explain", command)
	}
}

// answer writes one line for each line that it reads.
func answer(checks *checks, targets []string, in io.Reader, out *bufio.Writer, line func([]verdict) ([]byte, error)) error {
	levels, err := parseTargets(targets)
	if err != nil {
		return err
	}
	lines := bufio.NewReaderSize(in, 1<<20)
	for {
		pod, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(pod) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read a pod: %w", err)
		}
		text, err := judge(checks, levels, pod, line)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return fmt.Errorf("write a verdict: %w", err)
		}
		// Whoever asks about one pod after another waits for each answer; whoever sends many does not.
		if lines.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write a verdict: %w", err)
			}
		}
	}
}

func judge(checks *checks, levels []target, text []byte, line func([]verdict) ([]byte, error)) ([]byte, error) {
	pod, err := decode(text)
	if err != nil {
		// A pod that the API server would not take: there is no verdict to compare with.
		message, err := json.Marshal(err.Error())
		return append([]byte("unreadable "), message...), err
	}
	verdicts := make([]verdict, len(levels))
	for i, level := range levels {
		verdicts[i] = checks.verdict(level, pod)
	}
	return line(verdicts)
}
