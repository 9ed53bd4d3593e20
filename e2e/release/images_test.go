package release

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"podreeve.dev/e2e/chart"
	"podreeve.dev/e2e/harness"
)

// guest is an image that is made here.
type guest struct {
	name       string
	user       string
	entrypoint string // JSON
	repaired   bool   // podreeve can make its pod run as another user than root
	says       string // what its container prints once it runs
}

var guests = []guest{
	{"numeric", "1234:0", `["/bin/guest","/data","/work"]`, true, "guest: user 1234"},
	{"named", "app", `["/bin/guest","/data","/work"]`, true, "guest: user 4321"},
	{"gosu", "", `["/bin/gosu","4321","/bin/guest"]`, false, "guest: user 4321"},
}

const imagePolicy = `apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: images}
spec:
  rules:
    image-size: {action: audit}
    run-as-non-root: {action: deny}
    read-only-root-filesystem: {action: deny, params: {writable: [/tmp]}}
`

// TestImagesStart: pods that are repaired by what is known of their images start on a real node: podreeve's own image, one whose user is a number,
// and one whose user is a name. One that starts as root and changes its user is left as it is, and starts so; what podreeve does not do would break it.
func TestImagesStart(t *testing.T) {
	c := need(t)
	if c.node == nil {
		t.Skip("e2e: skipped: the images are made for the node of this machine")
	}
	space := "images"
	c.must(t, "", "create", "namespace", space)
	t.Cleanup(func() { c.kubectl(t, "", "delete", "namespace", space, "--wait=false") })
	dir := t.TempDir()
	write(t, dir, "policy.yaml", imagePolicy)
	program := filepath.Join(dir, "guest")
	build := exec.Command("go", "build", "-o", program, "podreeve.dev/e2e/cmd/guest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the guest: %v: %s", err, out)
	}
	for _, guest := range guests {
		t.Run(guest.name, func(t *testing.T) {
			image := "registry.example.com/guests/" + guest.name + ":1"
			build := exec.Command("sh", "-ec", buildGuest, "sh", image, guest.user, guest.entrypoint, program)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build %s: %v: %s", image, err, out)
			}
			t.Cleanup(func() { _, _ = buildah("rmi", image) })
			c.starts(t, space, dir, image, "", guest)
		})
	}
	t.Run("ours", func(t *testing.T) {
		args := "[serve, --self-signed, /tmp/certs]"
		c.starts(t, space, dir, c.image, args, guest{name: "ours", repaired: true, says: "serving"})
	})
}

// buildGuest makes an image: its name, its user, its entrypoint and its program are the arguments.
const buildGuest = `
container=$(buildah from scratch)
trap 'buildah rm "$container" > /dev/null' EXIT
root=$(mktemp -d)
mkdir -p "$root/bin" "$root/etc" "$root/data" "$root/work" "$root/tmp"
chmod 1777 "$root/tmp"
chmod 777 "$root/data" "$root/work"
cp "$4" "$root/bin/guest"
cp "$4" "$root/bin/gosu"
[ -z "$2" ] || rm "$root/bin/gosu"
printf 'root:x:0:0::/:/bin/guest\napp:x:4321:4321::/:/bin/guest\n' > "$root/etc/passwd"
buildah copy --quiet "$container" "$root" / > /dev/null
rm -r "$root"
buildah config --user "$2" --entrypoint "$3" --env PATH=/bin --volume /data --workingdir /work "$container"
buildah commit --quiet "$container" "$1" > /dev/null
`

// starts repairs a pod of the image with podreeve alone, and has the node run it.
func (c *target) starts(t *testing.T, space, dir, image, args string, guest guest) {
	t.Helper()
	archive := filepath.Join(dir, guest.name+".tar")
	if _, err := buildah("push", "--quiet", image, "docker-archive:"+archive+":"+image); err != nil {
		t.Fatal(err)
	}
	if err := c.node.LoadImage(archive); err != nil {
		t.Fatal(err)
	}
	facts := filepath.Join(dir, guest.name+".json")
	c.podreeve(t, []int{0, 1}, "image", archive, "--as", image, "--facts", facts)
	if args != "" {
		args = ", args: " + args
	}
	pod := write(t, dir, guest.name+".yaml", fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec:\n  terminationGracePeriodSeconds: 1\n"+
		"  containers:\n  - {name: app, image: %q, imagePullPolicy: Never%s}\n", guest.name, space, image, args))
	policy := filepath.Join(dir, "policy.yaml")
	wanted := []int{0}
	if !guest.repaired {
		wanted = []int{1}
	}
	report := c.podreeve(t, wanted, "check", pod, "--no-config", "--policy", policy, "--image-facts", facts, "--fix", "--unsafe-fixes")
	text, err := os.ReadFile(pod)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "runAsNonRoot: true") != guest.repaired || !strings.Contains(string(text), "readOnlyRootFilesystem: true") {
		t.Fatalf("wanted it repaired: %v\n%s\n%s", guest.repaired, report, text)
	}
	c.must(t, string(text), "apply", "-f", "-")
	c.awaitGuest(t, space, guest.name, guest.says)
	if guest.repaired {
		return
	}
	if !strings.Contains(report, "changes its user with gosu") {
		t.Errorf("the report does not say why it is left: %s", report)
	}
	// As another user it would not start.
	broken := strings.NewReplacer("name: "+guest.name, "name: broken", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: true, runAsUser: 10001, runAsNonRoot: true").Replace(string(text))
	c.must(t, broken, "apply", "-f", "-")
	if err := harness.Await(t.Context(), "the broken pod to fail", func(context.Context) (bool, error) {
		said := c.kubectl(t, "", "logs", "-n", space, "broken", "--ignore-errors")
		return strings.Contains(said.out+said.err, "become user 4321"), fmt.Errorf("%s", said)
	}); err != nil {
		t.Fatal(err)
	}
}

// awaitGuest waits until the container runs and says so.
func (c *target) awaitGuest(t *testing.T, space, name, says string) {
	t.Helper()
	if err := harness.Await(t.Context(), name+" to run", func(context.Context) (bool, error) {
		said := c.kubectl(t, "", "logs", "-n", space, name)
		about := c.kubectl(t, "", "get", "pod", "-n", space, name, "-o", "jsonpath={.status.phase} {.status.containerStatuses[*].state}")
		return strings.HasPrefix(about.out, "Running") && strings.Contains(said.out, says), fmt.Errorf("%s\n%s", about, said)
	}); err != nil {
		t.Fatal(err)
	}
}

// podreeve runs the program of this machine, which has to end with one of these codes.
func (c *target) podreeve(t *testing.T, codes []int, args ...string) string {
	t.Helper()
	binary := cmp.Or(os.Getenv("PODREEVE_BIN"), filepath.Join(chart.Root(), "target", "debug", "podreeve"))
	out, err := exec.Command(binary, args...).CombinedOutput()
	code := 0
	if exit, is := err.(*exec.ExitError); is {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range codes {
		if code == wanted {
			return string(out)
		}
	}
	t.Fatalf("podreeve %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	return ""
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
