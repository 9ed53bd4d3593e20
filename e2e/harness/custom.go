package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
)

// InstallCRDs applies podreeve's custom resource definitions, as deploy/ has them, and waits until they are served.
func (c *Cluster) InstallCRDs(ctx context.Context) error {
	if _, err := c.kubectl(ctx, "", "apply", "--server-side", "-f", filepath.Join("..", "deploy", "crds")); err != nil {
		return err
	}
	return Await(ctx, "the CRDs are served", func(ctx context.Context) (bool, error) {
		_, err := c.kubectl(ctx, "", "get", "policies.podreeve.dev,exemptions.podreeve.dev", "-A")
		return err == nil, err
	})
}

// Apply applies YAML as a user would; the error is what kubectl said.
func (c *Cluster) Apply(ctx context.Context, yaml string) error {
	_, err := c.kubectl(ctx, yaml, "apply", "-f", "-")
	return err
}

// Remove removes an object, and does not mind when it is gone.
func (c *Cluster) Remove(ctx context.Context, args ...string) error {
	_, err := c.kubectl(ctx, "", append([]string{"delete", "--ignore-not-found"}, args...)...)
	return err
}

// AwaitCondition waits until the object's Ready condition has this status, and gives its message.
func (c *Cluster) AwaitCondition(ctx context.Context, status string, args ...string) (string, error) {
	path := `jsonpath={.metadata.generation} {.status.conditions[?(@.type=="Ready")].observedGeneration} {.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}`
	var message string
	err := Await(ctx, fmt.Sprintf("%s has Ready=%s", strings.Join(args, " "), status), func(ctx context.Context) (bool, error) {
		said, err := c.kubectl(ctx, "", append([]string{"get", "-o", path}, args...)...)
		if err != nil {
			return false, err
		}
		parts := strings.SplitN(said, " ", 4)
		if len(parts) < 4 || parts[0] != parts[1] || parts[2] != status {
			return false, fmt.Errorf("generation, observedGeneration, status and message are %q", said)
		}
		message = parts[3]
		return true, nil
	})
	return message, err
}

func (c *Cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	said, err := c.Kubectl(ctx, stdin, args...)
	if err != nil {
		return "", err
	}
	if said.Code != 0 {
		return "", fmt.Errorf("%s", said)
	}
	return said.Stdout, nil
}

// StartInCluster starts a podreeve that reads from the API server, the leader of its own Lease unless args name one;
// policies are specs for --policy, by name; without any, the Policy objects are enforced alone.
func (c *Cluster) StartInCluster(ctx context.Context, policies map[string]string, args ...string) (*Podreeve, error) {
	args, err := c.inCluster(policies, args)
	if err != nil {
		return nil, err
	}
	return c.StartPodreeve(ctx, args...)
}

// LaunchInCluster does the same and does not wait.
func (c *Cluster) LaunchInCluster(policies map[string]string, args ...string) (*Podreeve, error) {
	args, err := c.inCluster(policies, args)
	if err != nil {
		return nil, err
	}
	return c.Launch(args...)
}

func (c *Cluster) inCluster(policies map[string]string, args []string) ([]string, error) {
	dir := "none"
	if len(policies) > 0 {
		dir = filepath.Join(c.dir, c.Name("policies"))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make the policy folder: %w", err)
		}
	}
	for name, spec := range policies {
		text := PolicyYAML(name, spec)
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("write the policy %s: %w", name, err)
		}
	}
	if !slices.Contains(args, "--leader-election-lease") {
		args = append(args, "--leader-election-lease", c.NewLease())
	}
	if !slices.Contains(args, "--scan-interval") {
		args = append(args, "--scan-interval", "0") // what is there belongs to other tests
	}
	if !slices.Contains(args, "--namespace") {
		args = append(args, "--namespace", LeaseNamespace)
	}
	if !slices.Contains(args, "--kubeconfig") {
		args = append(args, "--kubeconfig", c.Kubeconfig)
	}
	return append([]string{"--cluster", "--policy", dir}, args...), nil
}

// LeaseNamespace is where the Leases of podreeves under test are.
const LeaseNamespace = "default"

// NewLease names a Lease that goes when the run ends.
func (c *Cluster) NewLease() string {
	name := c.Name("podreeve-e2e-" + c.run)
	c.Defer(func() error {
		return c.Remove(context.Background(), "-n", LeaseNamespace, "lease", name)
	})
	return name
}

// AwaitLeader waits until this identity holds the Lease.
func (c *Cluster) AwaitLeader(ctx context.Context, lease, identity string) error {
	return Await(ctx, fmt.Sprintf("%s holds the Lease %s", identity, lease), func(ctx context.Context) (bool, error) {
		holder, err := c.Leader(ctx, lease)
		return holder == identity, cmp.Or(err, fmt.Errorf("its holder is %q", holder))
	})
}

// Leader is the holder of the Lease, or empty.
func (c *Cluster) Leader(ctx context.Context, lease string) (string, error) {
	return c.kubectl(ctx, "", "get", "lease", "-n", LeaseNamespace, lease, "-o", "jsonpath={.spec.holderIdentity}")
}

// PolicyYAML is a Policy with this spec, in YAML of one line.
func PolicyYAML(name, spec string) string {
	return fmt.Sprintf("apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: %s}\nspec: %s\n", name, spec)
}

// ProbeOnly is the spec of a policy with what Register waits for, in namespaces without the labels of Pod Security.
const ProbeOnly = `{match: {namespaceSelector: {matchExpressions: [{key: e2e.podreeve.dev/probe, operator: Exists}]}}, rules: {privileged: {action: deny}, allow-privilege-escalation: {action: patch}}}`

// Config is for clients that the harness does not have.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Labels are the labels of a namespace that the hook looks at.
func (h *Hook) Labels() map[string]string { return map[string]string{hookLabel: h.name} }

// WrongKubeconfig writes a kubeconfig of an API server that is not there.
func (c *Cluster) WrongKubeconfig() (string, error) {
	port, err := FreePort()
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.dir, c.Name("kubeconfig"))
	config := c.Config()
	config.Host = loopback("https", port)
	return path, writeKubeconfig(path, config)
}

// RepairKubeconfig has it name the one that is.
func (c *Cluster) RepairKubeconfig(path string) error { return writeKubeconfig(path, c.config) }
