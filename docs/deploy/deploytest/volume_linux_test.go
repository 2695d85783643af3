package deploytest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	corev1 "k8s.io/api/core/v1"
)

// cluster has what the volumes of pods are made from.
type cluster struct {
	t       *testing.T
	dir     string                       // of volumes that remain
	secrets map[string]map[string][]byte // and config maps: content by name and file
	hosts   string                       // the file /etc/hosts of pods
}

func newCluster(t *testing.T, secrets map[string]map[string][]byte) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir(), secrets: secrets}
	for dir := c.dir; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		qt.Assert(t, os.Chmod(dir, 0o755), qt.IsNil) // the test framework closes it to other users
	}
	c.hosts = filepath.Join(c.dir, "hosts")
	c.write(c.hosts, "127.0.0.1 localhost netlog.netlog.svc\n", 0o644)
	return c
}

func (c *cluster) write(path, text string, mode fs.FileMode) {
	c.t.Helper()
	qt.Assert(c.t, os.WriteFile(path, []byte(text), mode), qt.IsNil)
	qt.Assert(c.t, os.Chmod(path, mode), qt.IsNil)
}

// volume returns the directory of a volume. It exists with the owner and the mode that the kubelet gives it.
func (c *cluster) volume(pod *corev1.PodSpec, v corev1.Volume) string {
	c.t.Helper()
	dir := filepath.Join(c.dir, v.Name)
	_, err := os.Stat(dir)
	isNew := err != nil
	create := func(mode fs.FileMode) {
		if isNew {
			qt.Assert(c.t, os.Mkdir(dir, 0o700), qt.IsNil)
			qt.Assert(c.t, os.Chmod(dir, mode), qt.IsNil)
		}
	}
	switch {
	case v.HostPath != nil:
		qt.Assert(c.t, *v.HostPath.Type, qt.Equals, corev1.HostPathDirectoryOrCreate)
		create(0o755)
		return dir
	case v.Secret != nil:
		create(0o777 | fs.ModeSticky)
		c.project(dir, c.secrets[v.Secret.SecretName], *v.Secret.DefaultMode)
	case v.ConfigMap != nil:
		create(0o777 | fs.ModeSticky)
		c.project(dir, c.secrets[v.ConfigMap.Name], 0o644)
	case v.EmptyDir != nil:
		create(0o777)
	case v.PersistentVolumeClaim != nil:
		create(0o755)
		if isNew { // ext4 has it
			qt.Assert(c.t, os.Mkdir(filepath.Join(dir, "lost+found"), 0o700), qt.IsNil)
		}
	default:
		c.t.Fatalf("volume %s is of an unknown kind", v.Name)
	}
	if s := pod.SecurityContext; s != nil && s.FSGroup != nil {
		rootOnly := s.FSGroupChangePolicy != nil && *s.FSGroupChangePolicy == corev1.FSGroupChangeOnRootMismatch
		c.giveToGroup(dir, int(*s.FSGroup), rootOnly && v.Secret == nil && v.ConfigMap == nil, v.Secret != nil || v.ConfigMap != nil)
	}
	return dir
}

// project writes files as the kubelet does: into a new directory, to which the link ..data leads. A change is one
// rename of that link, so that a reader sees all old files or all new ones.
func (c *cluster) project(dir string, files map[string][]byte, mode int32) {
	c.t.Helper()
	qt.Assert(c.t, len(files) > 0, qt.IsTrue, qt.Commentf("no secret or config map for %s", dir))
	at := ".." + time.Now().UTC().Format("2006_01_02_15_04_05.000000000")
	inside := filepath.Join(dir, at)
	qt.Assert(c.t, os.Mkdir(inside, 0o755), qt.IsNil)
	for name, data := range files {
		c.write(filepath.Join(inside, name), string(data), fs.FileMode(mode))
		if link := filepath.Join(dir, name); os.Symlink("..data/"+name, link) != nil {
			_, err := os.Lstat(link)
			qt.Assert(c.t, err, qt.IsNil)
		}
	}
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	qt.Assert(c.t, os.Symlink(at, filepath.Join(dir, "..data_tmp")), qt.IsNil)
	qt.Assert(c.t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")), qt.IsNil)
	if old != "" {
		qt.Assert(c.t, os.RemoveAll(filepath.Join(dir, old)), qt.IsNil)
	}
}

// rotate changes a secret that is mounted.
func (c *cluster) rotate(pod *corev1.PodSpec, secret string, files map[string][]byte) {
	c.t.Helper()
	c.secrets[secret] = files
	for _, v := range pod.Volumes {
		if v.Secret != nil && v.Secret.SecretName == secret {
			c.volume(pod, v)
			return
		}
	}
	c.t.Fatalf("no pod has the secret %s", secret)
}

// giveToGroup gives a volume to a group, as each mount does. With rootOnly, it does so only if the directory itself is
// not the group's.
func (c *cluster) giveToGroup(dir string, gid int, rootOnly, readOnly bool) {
	c.t.Helper()
	info, err := os.Stat(dir)
	qt.Assert(c.t, err, qt.IsNil)
	const want = 0o070
	if rootOnly && int(info.Sys().(*syscall.Stat_t).Gid) == gid && info.Mode()&want == want && info.Mode()&fs.ModeSetgid != 0 {
		return
	}
	err = filepath.Walk(dir, func(path string, info fs.FileInfo, err error) error {
		if err != nil || info.Mode()&fs.ModeSymlink != 0 {
			return err
		}
		mode := info.Mode() | 0o440
		if !readOnly {
			mode |= 0o660
		}
		if info.IsDir() {
			mode |= fs.ModeSetgid | 0o110
		}
		if err := os.Lchown(path, int(info.Sys().(*syscall.Stat_t).Uid), gid); err != nil {
			return err
		}
		return os.Chmod(path, mode) // after chown, which may clear setgid
	})
	qt.Assert(c.t, err, qt.IsNil)
}

// owners describes a file as "mode uid:gid".
func owners(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	qt.Assert(t, err, qt.IsNil)
	st := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%04o %d:%d", st.Mode&0o7777, st.Uid, st.Gid)
}

// oneLine returns text without its last line break, or fails if it has others.
func oneLine(t *testing.T, text string) string {
	t.Helper()
	text = strings.TrimSuffix(text, "\n")
	qt.Check(t, strings.Count(text, "\n"), qt.Equals, 0, qt.Commentf("%s", text))
	return text
}
