package deploytest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// image is a file system with one program.
type image struct {
	root            string // directory; empty but for the program
	uid, gid        uint32
	entrypoint, cmd []string
}

// buildImages does what the Containerfile says, in this clone. The images that it begins with are not here, so those
// of the test are empty before: without users, certificates, a shell or /tmp.
func buildImages(t *testing.T) map[string]*image {
	t.Helper()
	text, err := os.ReadFile("../Containerfile")
	qt.Assert(t, err, qt.IsNil)
	out, roots := t.TempDir(), t.TempDir()
	inOut := strings.NewReplacer("mkdir /out", "mkdir -p "+out, "/out", out)
	images, now := make(map[string]*image), new(image)
	for line := range strings.Lines(string(text)) {
		op, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		args := strings.Fields(rest)
		switch op {
		case "", "#":
		case "FROM":
			qt.Assert(t, args, qt.HasLen, 3)
			now = &image{root: filepath.Join(roots, args[2])}
			images[args[2]] = now
		case "WORKDIR", "EXPOSE":
		case "RUN":
			run(t, "../../..", "env", "-u", "GOWORK", "sh", "-ec", inOut.Replace(rest)) // the tests run without the workspace
		case "COPY":
			if rest == ". ." { // the clone is where RUN runs
				continue
			}
			qt.Assert(t, args, qt.HasLen, 3)
			qt.Assert(t, args[0], qt.Equals, "--from=build")
			now.add(t, inOut.Replace(args[1]), args[2])
		case "USER":
			now.setUser(t, rest)
		case "ENTRYPOINT":
			qt.Assert(t, json.Unmarshal([]byte(rest), &now.entrypoint), qt.IsNil)
		case "CMD":
			qt.Assert(t, json.Unmarshal([]byte(rest), &now.cmd), qt.IsNil)
		default:
			if !strings.HasPrefix(op, "#") {
				t.Fatalf("Containerfile: the test does not know %s", op)
			}
		}
	}
	return images
}

// add copies a program into the image.
func (i *image) add(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, os.MkdirAll(i.root, 0o755), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(i.root, to), data, 0o755), qt.IsNil)
}

func (i *image) setUser(t *testing.T, user string) {
	t.Helper()
	uid, gid, _ := strings.Cut(user, ":")
	number := func(text string) uint32 {
		n, err := strconv.ParseUint(text, 10, 32) // a name would not do for runAsNonRoot
		qt.Assert(t, err, qt.IsNil)
		return uint32(n)
	}
	i.uid, i.gid = number(uid), number(gid)
}

// senderImage returns an image of the command in directory sender.
func senderImage(t *testing.T) *image {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sender")
	run(t, ".", "env", "CGO_ENABLED=0", "GOWORK=off", "go", "build", "-o", bin, "./sender")
	i := &image{root: t.TempDir(), uid: 65532, gid: 65532, entrypoint: []string{"/sender"}}
	i.add(t, bin, "/sender")
	return i
}

// run runs a program in dir and returns its output.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s %q: %s", name, args, out))
	return string(out)
}
