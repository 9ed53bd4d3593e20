package harness

import (
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
)

type counter struct{ atomic.Int64 }

// Name makes a name that is unique in this run and valid for every kind (a label, at most 52 characters: CronJobs
// need room for what their jobs add).
func (c *Cluster) Name(hint string) string {
	hint = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(hint), "-"), "-")
	tail := fmt.Sprintf("-%d", c.counter.Add(1))
	return strings.TrimRight(hint[:min(len(hint), 52-len(tail))], "-") + tail
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)
