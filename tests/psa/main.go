// Command psa answers what upstream's Pod Security Standards say of pods, for tests/psa_parity to compare with.
//
//	psa about                     upstream's module version and checks, as JSON
//	psa fixtures                  every pod of upstream's test/testdata, one JSON object a line
//	psa judge   LEVEL:VERSION...  for each pod on stdin (one JSON object a line) one line with the checks that refuse it
//	psa explain LEVEL:VERSION...  the same with reasons, as JSON
//	psa updates CHECK,...;... LEVEL:VERSION...
//	                              for each update on stdin (subResource, old, new) one line: for each target whether upstream's
//	                              admission denies it, the checks that refuse the new pod, and those that refuse what it introduces
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
		return errors.New("the command is missing: about, fixtures, judge, explain or updates")
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
		return answer(targets, in, buffered, pods(checks, masks))
	case "explain":
		return answer(targets, in, buffered, pods(checks, reasons))
	case "updates":
		if len(targets) == 0 {
			return errors.New("which checks belong together is missing: CHECK,CHECK;CHECK")
		}
		admissions, err := newAdmissions(checks)
		if err := errors.Join(err, checks.setGroups(targets[0])); err != nil {
			return err
		}
		return answer(targets[1:], in, buffered, func(levels []target, text []byte) ([]byte, error) {
			return judgeUpdate(checks, admissions, levels, text)
		})
	default:
		return fmt.Errorf("there is no command %q; there are about, fixtures, judge, explain and updates", command)
	}
}

// answer writes one line for each line that it reads.
func answer(targets []string, in io.Reader, out *bufio.Writer, line func([]target, []byte) ([]byte, error)) error {
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
		text, err := line(levels, pod)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return fmt.Errorf("write a verdict: %w", err)
		}
		// A client that sends one pod after another waits for each answer. A client that sends many does not.
		if lines.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write a verdict: %w", err)
			}
		}
	}
}

func pods(checks *checks, line func([]verdict) ([]byte, error)) func([]target, []byte) ([]byte, error) {
	return func(levels []target, text []byte) ([]byte, error) { return judge(checks, levels, text, line) }
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
