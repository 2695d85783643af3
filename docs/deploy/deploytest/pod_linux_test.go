package deploytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	corev1 "k8s.io/api/core/v1"
)

// pod is a container that crun runs. It shares the network of the test, as containers of a pod share theirs.
type pod struct {
	t        *testing.T
	name     string
	state    string // directory of crun
	grace    time.Duration
	cmd      *exec.Cmd
	ended    chan struct{} // closed after cmd.Wait
	out, err output
}

// output is what a process has written. Its methods may be called concurrently.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start mounts the volumes of spec and starts its container. claims may be nil.
func (c *cluster) start(name string, i *image, spec corev1.PodSpec, claims ...corev1.PersistentVolumeClaim) *pod {
	c.t.Helper()
	for _, claim := range claims {
		v := corev1.Volume{Name: claim.Name}
		v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name}
		spec.Volumes = append(slices.Clip(spec.Volumes), v)
	}
	bundle, state := c.t.TempDir(), c.t.TempDir()
	text, err := json.Marshal(c.bundle(i, &spec))
	qt.Assert(c.t, err, qt.IsNil)
	c.write(filepath.Join(bundle, "config.json"), string(text), 0o600)
	grace := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	p := &pod{t: c.t, name: name, state: state, grace: grace, ended: make(chan struct{})}
	p.cmd = exec.Command("crun", "--root", state, "--cgroup-manager", "disabled", "run", "--bundle", bundle, name)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	qt.Assert(c.t, p.cmd.Start(), qt.IsNil)
	go func() {
		p.cmd.Wait() // its exit code is in cmd.ProcessState
		close(p.ended)
	}()
	c.t.Cleanup(func() {
		if c.t.Failed() {
			c.t.Logf("%s wrote\n%s%s", name, p.out.String(), p.err.String())
		}
		exec.Command("crun", "--root", state, "delete", "--force", name).Run()
	})
	return p
}

// bundle returns the configuration of the container of spec, as the kubelet and a runtime like containerd make it.
func (c *cluster) bundle(i *image, spec *corev1.PodSpec) *specs.Spec {
	c.t.Helper()
	container := spec.Containers[0]
	own := container.SecurityContext
	s := &specs.Spec{Version: "1.0.2", Hostname: "node-1"}
	s.Root = &specs.Root{Path: i.root, Readonly: *own.ReadOnlyRootFilesystem}
	s.Process = &specs.Process{Cwd: "/", User: c.user(i, spec), NoNewPrivileges: !*own.AllowPrivilegeEscalation}
	s.Process.Args = append(slices.Clone(i.entrypoint), i.cmd...)
	if container.Args != nil {
		s.Process.Args = append(slices.Clone(i.entrypoint), container.Args...)
	}
	for _, e := range container.Env {
		s.Process.Env = append(s.Process.Env, e.Name+"="+e.Value)
	}
	caps := capabilities(c.t, own.Capabilities)
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}

	s.Mounts = append(defaultMounts(), bind(c.hosts, "/etc/hosts", true))
	volumes := make(map[string]string)
	for _, v := range spec.Volumes {
		volumes[v.Name] = c.volume(spec, v)
	}
	for _, m := range container.VolumeMounts {
		qt.Assert(c.t, volumes[m.Name], qt.Not(qt.Equals), "", qt.Commentf("no volume %s", m.Name))
		s.Mounts = append(s.Mounts, bind(volumes[m.Name], m.MountPath, m.ReadOnly))
	}
	s.Linux = &specs.Linux{
		MaskedPaths:   []string{"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware"},
		ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
	}
	for _, kind := range []specs.LinuxNamespaceType{
		specs.PIDNamespace, specs.IPCNamespace, specs.UTSNamespace, specs.MountNamespace,
	} {
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: kind})
	}
	qt.Assert(c.t, spec.SecurityContext.SeccompProfile.Type, qt.Equals, corev1.SeccompProfileTypeRuntimeDefault)
	var err error
	s.Linux.Seccomp, err = seccomp.GetDefaultProfile(s) // of Docker
	qt.Assert(c.t, err, qt.IsNil)
	return s
}

// user returns the user of the container. A user who is not that of the image has group 0, as one without an entry in
// /etc/passwd has.
func (c *cluster) user(i *image, spec *corev1.PodSpec) specs.User {
	c.t.Helper()
	u := specs.User{UID: i.uid, GID: i.gid}
	own := spec.Containers[0].SecurityContext
	for _, uid := range []*int64{spec.SecurityContext.RunAsUser, own.RunAsUser} {
		if uid != nil {
			u.UID, u.GID = uint32(*uid), 0
		}
	}
	if own.RunAsGroup != nil {
		u.GID = uint32(*own.RunAsGroup)
	}
	if n := spec.SecurityContext.RunAsNonRoot; n != nil && *n {
		qt.Assert(c.t, u.UID, qt.Not(qt.Equals), uint32(0))
	}
	if g := spec.SecurityContext.FSGroup; g != nil {
		u.AdditionalGids = []uint32{uint32(*g)}
	}
	return u
}

// capabilities returns what is added after all were dropped.
func capabilities(t *testing.T, c *corev1.Capabilities) (names []string) {
	t.Helper()
	qt.Assert(t, c.Drop, qt.DeepEquals, []corev1.Capability{"ALL"})
	for _, name := range c.Add {
		names = append(names, "CAP_"+string(name))
	}
	return names
}

func bind(from, to string, readOnly bool) specs.Mount {
	m := specs.Mount{Source: from, Destination: to, Type: "bind", Options: []string{"rbind", "rprivate", "rw"}}
	if readOnly {
		m.Options[2] = "ro"
	}
	return m
}

func defaultMounts() []specs.Mount {
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
	}
}

// stop ends the container as the kubelet does: SIGTERM, and SIGKILL after the grace period. It returns the exit code.
func (p *pod) stop() int {
	p.t.Helper()
	run(p.t, ".", "crun", "--root", p.state, "kill", p.name, "TERM")
	select {
	case <-p.ended:
	case <-time.After(p.grace):
		p.t.Errorf("%s does not end in %v", p.name, p.grace)
		run(p.t, ".", "crun", "--root", p.state, "kill", p.name, "KILL")
		<-p.ended
	}
	return p.cmd.ProcessState.ExitCode()
}

// wait returns the exit code of a container that ends by itself.
func (p *pod) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		p.t.Fatalf("%s does not end", p.name)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *pod) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// await waits for a line of the container.
func (p *pod) await(pattern string) []string {
	p.t.Helper()
	want := regexp.MustCompile(pattern)
	var got []string
	eventually(p.t, fmt.Sprintf("%s writes %q", p.name, pattern), func() bool {
		got = want.FindStringSubmatch(p.out.String() + p.err.String())
		if got == nil && p.hasEnded() {
			got = want.FindStringSubmatch(p.out.String() + p.err.String()) // it may just have written it
			qt.Assert(p.t, got, qt.IsNotNil, qt.Commentf("%s has ended without writing %q", p.name, pattern))
		}
		return got != nil
	})
	return got
}

// confinement returns the lines of /proc/PID/status that matter, and checks that the root is read-only.
func (p *pod) confinement() string {
	p.t.Helper()
	var state struct{ PID int }
	qt.Assert(p.t, json.Unmarshal([]byte(run(p.t, ".", "crun", "--root", p.state, "state", p.name)), &state), qt.IsNil)
	var st syscall.Statfs_t
	qt.Assert(p.t, syscall.Statfs(fmt.Sprintf("/proc/%d/root", state.PID), &st), qt.IsNil)
	const readOnly = 1 // ST_RDONLY
	qt.Check(p.t, st.Flags&readOnly, qt.Equals, int64(readOnly))
	return status(readFile(p.t, fmt.Sprintf("/proc/%d/status", state.PID)))
}
