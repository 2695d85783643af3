package deploytest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"
	corev1 "k8s.io/api/core/v1"
)

// arbitrary is a user as OpenShift assigns them.
const arbitrary = 1000680000

// ready reports whether the readiness probe of a container succeeds.
func ready(t *testing.T, c corev1.Container, client *http.Client) bool {
	probe := c.ReadinessProbe.HTTPGet
	url := fmt.Sprintf("%s://localhost:%d%s", strings.ToLower(string(probe.Scheme)), portOf(t, c, probe.Port.String()), probe.Path)
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == 200
}

// senderPod returns the pod of a program that sends to the pod of a receiver, with volumes of the same kinds.
func senderPod(receiver corev1.PodSpec, first int) corev1.PodSpec {
	s := *receiver.DeepCopy()
	c := &s.Containers[0]
	c.Args = []string{
		"-url=https://netlog.netlog.svc:8641", "-token-file=/tokens/token", "-state=/data", "-queue=/data/queue", "-first=" + strconv.Itoa(first),
	}
	c.Env = []corev1.EnvVar{{Name: "SSL_CERT_FILE", Value: "/tls/ca.crt"}}
	for i, v := range s.Volumes {
		switch v.Name {
		case "tokens":
			s.Volumes[i].Secret.SecretName = "netlogd-token"
		case "tls":
			s.Volumes[i].Secret.SecretName = "netlog-ca"
		}
	}
	return s
}

// TestReceiverPod runs the receiver as the manifests say, and a program that sends to it over TLS. Both are stopped and
// started again, with everything mounted again. Every entry is stored once.
func TestReceiverPod(t *testing.T) {
	need(t, "crun", "crun")
	images, sender := buildImages(t), senderImage(t)
	always := func(m *manifest) { m.pod.SecurityContext.FSGroupChangePolicy = nil }
	anyUser := func(m *manifest) { m.pod.SecurityContext.RunAsUser = new(int64(arbitrary)) }
	for _, test := range []struct {
		name, file string
		change     []func(*manifest)
		volume     string // how the volume is mounted
		closed     string // what a directory in it is like, after another mount
		user       string
	}{
		{"claim", "netlog.yaml", nil, "2775 0:65532", "2700 65532:65532", "Uid 65532; Gid 65532; Groups 65532"},
		{"claim of any user", "netlog.yaml", []func(*manifest){anyUser},
			"2775 0:65532", "2700 1000680000:65532", "Uid 1000680000; Gid 0; Groups 65532"},
		{"claim given to the group at each mount", "netlog.yaml", []func(*manifest){always, anyUser},
			"2775 0:65532", "2750 1000680000:65532", "Uid 1000680000; Gid 0; Groups 65532"},
		{"emptyDir", "netlog-emptydir.yaml", nil, "0777 0:0", "0700 65532:65532", "Uid 65532; Gid 65532; Groups "},
		{"emptyDir of any user", "netlog-emptydir.yaml", []func(*manifest){anyUser},
			"0777 0:0", "0700 1000680000:0", "Uid 1000680000; Gid 0; Groups "},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := readManifest(t, test.file)
			for _, change := range test.change {
				change(&m)
			}
			a := newAuthority(t)
			client := a.client()
			here, there := newCluster(t, newSecrets(t, a)), newCluster(t, newSecrets(t, a))
			receiver := func() *pod {
				p := here.start("netlog", images["netlog"], m.pod, m.claims...)
				eventually(t, "the receiver is ready", func() bool { return ready(t, m.pod.Containers[0], client) })
				return p
			}
			r := receiver()
			qt.Check(t, r.confinement(), qt.Equals, test.user+"; CapPrm 0000000000000000; CapEff 0000000000000000; "+
				"CapBnd 0000000000000000; CapAmb 0000000000000000; NoNewPrivs 1; Seccomp 2")
			qt.Check(t, owners(t, filepath.Join(here.dir, "data")), qt.Equals, test.volume)

			first := 0
			for range 2 {
				s := there.start("sender", sender, senderPod(m.pod, first), m.claims...)
				s.await("sending as [0-9a-f]{64}")
				eventually(t, "something is stored", func() bool { return len(stored(t, filepath.Join(here.dir, "data"))) > first+100 })
				qt.Check(t, r.stop(), qt.Equals, 0)
				qt.Check(t, r.err.String(), qt.Contains, "netlog serve: stopped; stored ")
				s.await("connection refused")
				r = receiver()
				qt.Check(t, s.stop(), qt.Equals, 0)
				var err error
				first, err = strconv.Atoi(s.await(`wrote up to (\d+)`)[1])
				qt.Assert(t, err, qt.IsNil)
			}
			qt.Check(t, r.stop(), qt.Equals, 0)

			got := stored(t, filepath.Join(here.dir, "data"))
			qt.Check(t, got, qt.HasLen, first)
			senders := make(map[string]bool)
			for n := range first {
				qt.Check(t, got[n], qt.HasLen, 1, qt.Commentf("entry %d", n))
				for _, id := range got[n] {
					senders[id] = true
				}
			}
			qt.Check(t, senders, qt.HasLen, 1, qt.Commentf("the sender has kept its ID"))
			for _, path := range []string{filepath.Join(here.dir, "data", "flows"), filepath.Join(there.dir, "data", "queue")} {
				qt.Check(t, owners(t, path), qt.Equals, test.closed, qt.Commentf("%s", path))
			}
		})
	}
}

// stored returns the senders of each numbered entry in the files of a receiver.
func stored(t *testing.T, dir string) map[int][]string {
	t.Helper()
	all := make(map[int][]string)
	files, err := filepath.Glob(filepath.Join(dir, "flows", "netlog", "*.ndjson*"))
	qt.Assert(t, err, qt.IsNil)
	done := make(map[string]bool)
	for _, file := range files {
		plain := strings.TrimSuffix(strings.TrimSuffix(file, ".tmp"), ".zst")
		data, err := os.ReadFile(file)
		if err != nil || done[plain] || strings.HasSuffix(file, ".tmp") {
			continue // it was just compressed
		}
		done[plain] = true
		if plain != file {
			d, err := zstd.NewReader(nil)
			qt.Assert(t, err, qt.IsNil)
			data, err = d.DecodeAll(data, nil)
			qt.Assert(t, err, qt.IsNil)
			d.Close()
		}
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			var e struct {
				N       *int
				Logtail struct{ ID string }
			}
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.N != nil {
				all[*e.N] = append(all[*e.N], e.Logtail.ID)
			}
		}
	}
	return all
}

// TestPodRefusesSharedVolume names the volume itself as the directory, of the receiver and of the queue of a sender. Each
// ends and says in one line what to do.
func TestPodRefusesSharedVolume(t *testing.T) {
	need(t, "crun", "crun")
	images, sender := buildImages(t), senderImage(t)
	for _, test := range []struct{ file, who string }{
		{"netlog.yaml", `can be written by its group \(0775\)`},
		{"netlog-emptydir.yaml", `can be written by everyone \(0777\)`},
	} {
		m := readManifest(t, test.file)
		remedy := ` ` + test.who + `; use a directory in it that does not exist yet`
		c := newCluster(t, newSecrets(t, newAuthority(t)))
		spec := m.pod.DeepCopy()
		args := spec.Containers[0].Args
		for i := range args {
			args[i] = strings.Replace(args[i], "-dir=/data/flows", "-dir=/data", 1)
		}
		p := c.start("netlog", images["netlog"], *spec, m.claims...)
		qt.Check(t, p.wait(), qt.Equals, 1)
		qt.Check(t, oneLine(t, p.err.String()), qt.Matches, `netlog serve: -dir /data: /data`+remedy)

		s := senderPod(m.pod, 0)
		s.Containers[0].Args[3] = "-queue=/data"
		p = c.start("sender", sender, s, m.claims...)
		qt.Check(t, p.wait(), qt.Equals, 1)
		qt.Check(t, oneLine(t, p.err.String()), qt.Matches, `spool: /data`+remedy)
	}
}

// TestReceiverPodReadsNewSecrets changes the tokens and the certificate as the kubelet does.
func TestReceiverPodReadsNewSecrets(t *testing.T) {
	need(t, "crun", "crun")
	images := buildImages(t)
	for _, file := range []string{"netlog.yaml", "netlog-emptydir.yaml"} {
		t.Run(file, func(t *testing.T) {
			m, a := readManifest(t, file), newAuthority(t)
			client := a.client()
			c := newCluster(t, newSecrets(t, a))
			p := c.start("netlog", images["netlog"], m.pod, m.claims...)
			eventually(t, "the receiver is ready", func() bool { return ready(t, m.pod.Containers[0], client) })
			qt.Check(t, post(t, client, "first"), qt.Equals, 200)
			qt.Check(t, post(t, client, "second"), qt.Equals, 401)
			c.rotate(&m.pod, "netlog-tokens", tokens("second"))
			eventually(t, "the new token is accepted", func() bool { return post(t, client, "second") == 200 })
			qt.Check(t, post(t, client, "first"), qt.Equals, 401)

			c.rotate(&m.pod, "netlog-tls", a.issue(t, 3))
			eventually(t, "the new certificate is used", func() bool {
				resp, err := client.Get("https://localhost:8641/healthz")
				qt.Assert(t, err, qt.IsNil)
				resp.Body.Close()
				return resp.TLS.PeerCertificates[0].SerialNumber.Int64() == 3
			})
			qt.Check(t, p.stop(), qt.Equals, 0)
			qt.Check(t, regexp.MustCompile(`read [^\n]* again`).FindAllString(p.err.String(), -1), qt.DeepEquals,
				[]string{"read /tokens/tokens.txt again", "read /tls/tls.crt and /tls/tls.key again"})
		})
	}
}
