package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// auditEvent is what the tests read of audit.k8s.io/v1 Event.
type auditEvent struct {
	ObjectRef struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"objectRef"`
	Annotations map[string]string `json:"annotations"`
}

// AwaitAudit waits until the API server's audit log has an event about the object in which the webhook left key, with
// a value that contains text. Only where AuditLog is set.
func (c *Cluster) AwaitAudit(ctx context.Context, object *Object, hook, key, text string) error {
	what := fmt.Sprintf("audit annotation %s/%s with %q for %s", hook, key, text, object.GetName())
	var offset int
	seen := map[string]string{}
	return Await(ctx, what, func(context.Context) (bool, error) {
		log, err := os.ReadFile(c.AuditLog)
		if err != nil {
			return false, Fatal{fmt.Errorf("read the audit log: %w", err)}
		}
		whole := bytes.LastIndexByte(log, '\n') + 1 // the last line may be half written
		lines := bufio.NewScanner(bytes.NewReader(log[min(offset, whole):whole]))
		lines.Buffer(nil, len(log)+1)
		for lines.Scan() {
			var event auditEvent
			if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
				return false, Fatal{fmt.Errorf("read the audit log: %w", err)}
			}
			if event.ObjectRef.Name != object.GetName() || event.ObjectRef.Namespace != object.GetNamespace() {
				continue
			}
			for name, value := range event.Annotations {
				seen[name] = value
			}
			if strings.Contains(event.Annotations[hook+"/"+key], text) {
				return true, nil
			}
		}
		offset = whole
		return false, fmt.Errorf("annotations seen: %v", seen)
	})
}
