package docs_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestFleetCost measures what nodes cost a real "netlog serve" with TLS and tokens, by its own CPU time and memory: a
// connection with its first request, further requests, and an idle connection. docs/scale.md has the numbers. It runs if
// NETLOG_FLEET is set.
func TestFleetCost(t *testing.T) {
	if os.Getenv("NETLOG_FLEET") == "" {
		t.Skip("set NETLOG_FLEET=1 to measure the cost of a fleet of nodes, a minute")
	}
	for _, test := range []struct{ nodes, flows, tokens int }{{4000, 10, 1}, {2000, 50, 1}, {1000, 10, 100_000}} {
		t.Run(fmt.Sprintf("%d flows a record, %d tokens", test.flows, test.tokens), func(t *testing.T) {
			measureFleet(t, test.nodes, test.flows, test.tokens)
		})
	}
}

func measureFleet(t *testing.T, nodes, flows, tokens int) {
	const rounds, minute = 4, 12 // minute is the records of a minute
	s := startReceiver(t, tokens)
	f := &fleet{t: t, addr: s.addr, records: 1, flows: flows}
	for range nodes {
		f.nodes = append(f.nodes, &fleetNode{})
	}
	memory := s.rss()
	connect := s.cpu(func() { f.each((*fleet).connect, (*fleet).post) })
	memory = s.rss() - memory
	single := s.cpu(func() { f.rounds(rounds) })
	f.records = minute
	full := s.cpu(func() { f.rounds(rounds) })
	per := func(d time.Duration, n int) time.Duration { return (d / time.Duration(n)).Round(time.Microsecond) }
	request := per(single, nodes*rounds)
	t.Logf("CPU time of the server: %v for a connection with TLS, %v for a request of a record, %v for one of %d records",
		per(connect, nodes)-request, request, per(full, nodes*rounds), minute)
	t.Logf("memory: %d KiB for a node with an idle connection; %d MiB in all", memory/nodes>>10, s.rss()>>20)
	f.each((*fleet).close)
	s.stop(nodes * (1 + rounds + rounds*minute))
}

// fleet sends to one receiver from many nodes, eight at a time.
type fleet struct {
	t       *testing.T
	addr    string
	records int // in a request
	flows   int // in a record
	nodes   []*fleetNode
}

type fleetNode struct {
	number int
	id     string
	seq    int
	conn   net.Conn
	reader *bufio.Reader
	zstd   *zstd.Encoder
}

// each calls functions for each node, with eight goroutines.
func (f *fleet) each(do ...func(*fleet, *fleetNode)) {
	var group sync.WaitGroup
	for first := range 8 {
		group.Go(func() {
			enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
			qt.Check(f.t, err, qt.IsNil)
			defer enc.Close()
			for i := first; i < len(f.nodes); i += 8 {
				f.nodes[i].number, f.nodes[i].zstd = i, enc
				for _, d := range do {
					d(f, f.nodes[i])
				}
			}
		})
	}
	group.Wait()
}

func (f *fleet) rounds(n int) {
	for range n {
		f.each((*fleet).post)
	}
}

// connect connects a node from one of ten addresses, since one address may hold half of the connections.
func (f *fleet) connect(n *fleetNode) {
	text, err := secrettest.NewID().MarshalText()
	qt.Check(f.t, err, qt.IsNil)
	n.id = string(text)
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n.number%10))}}
	conn, err := tls.DialWithDialer(from, "tcp", f.addr, &tls.Config{InsecureSkipVerify: true})
	qt.Check(f.t, err, qt.IsNil)
	n.conn, n.reader = conn, bufio.NewReader(conn)
}

func (f *fleet) close(n *fleetNode) { n.conn.Close() }

// post sends a request on the connection of a node.
func (f *fleet) post(n *fleetNode) {
	body := make([]byte, 0, 256*f.records*f.flows)
	sep := byte('[')
	for range f.records {
		n.seq++
		body = fmt.Appendf(append(body, sep), `{"logtail":{"client_time":"2026-11-22T10:00:05.%09dZ","proc_id":%d,"proc_seq":%d},"nodeId":"n%d",`+
			`"start":"2026-11-22T10:00:00.%09dZ","end":"2026-11-22T10:00:05.%09dZ","virtualTraffic":[`,
			n.seq, n.number, n.seq, n.number, n.seq, n.seq)
		sep = ','
		for i := range f.flows {
			body = fmt.Appendf(body, `{"proto":6,"src":"100.64.0.1:%d","dst":"100.64.%d.%d:443",`+
				`"txPkts":%d,"txBytes":%d,"rxPkts":%d,"rxBytes":%d},`,
				32768+(n.seq*7919+i)%28232, n.number%250, i, n.seq%90+1, n.seq*131%90000, n.seq%50+1, n.seq*977%900000)
		}
		body = append(body[:len(body)-1], "]}"...)
	}
	body = n.zstd.EncodeAll(append(body, ']'), nil)
	fmt.Fprintf(n.conn, "POST /c/netlog/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\n"+
		"Content-Encoding: zstd\r\nContent-Length: %d\r\n\r\n%s", n.id, len(body), body)
	resp, err := http.ReadResponse(n.reader, nil)
	qt.Assert(f.t, err, qt.IsNil)
	text, _ := io.ReadAll(resp.Body)
	qt.Check(f.t, resp.StatusCode, qt.Equals, 200, qt.Commentf("%s", text))
}

// receiverProcess is a "netlog serve".
type receiverProcess struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd
	last chan string // what it writes to standard error, after its address
}

// startReceiver builds and starts the command with TLS, some tokens, of which "all" is the last, and no bound on new nodes.
func startReceiver(t *testing.T, tokens int) *receiverProcess {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "netlog")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../cmd/netlog").CombinedOutput()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", out))
	writeCertificate(t, dir)
	var grants []byte
	for n := range tokens - 1 {
		grants = fmt.Appendf(grants, "%x netlog %064x\n", sha256.Sum256(fmt.Append(nil, n)), n)
	}
	grants = fmt.Appendf(grants, "%x netlog *\n", sha256.Sum256([]byte("all")))
	qt.Assert(t, os.WriteFile(dir+"/tokens", grants, 0o600), qt.IsNil)
	cmd := exec.Command(bin, "serve", "-addr", "127.0.0.1:0", "-dir", dir+"/flows", "-ui", "off", "-new-nodes", "0",
		"-tokens", dir+"/tokens", "-tls-cert", dir+"/cert.pem", "-tls-key", dir+"/key.pem")
	stderr, err := cmd.StderrPipe()
	qt.Assert(t, err, qt.IsNil)
	qt.Assert(t, cmd.Start(), qt.IsNil)
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewReader(stderr)
	first, err := lines.ReadString('\n')
	qt.Assert(t, err, qt.IsNil)
	addr := regexp.MustCompile(`https://([0-9.:]+)`).FindStringSubmatch(first)
	qt.Assert(t, addr, qt.HasLen, 2, qt.Commentf("%s", first))
	s := &receiverProcess{t: t, addr: addr[1], cmd: cmd, last: make(chan string, 1)}
	go func() {
		text, _ := io.ReadAll(lines)
		s.last <- string(text)
	}()
	return s
}

func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	qt.Assert(t, err, qt.IsNil)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	qt.Assert(t, err, qt.IsNil)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	qt.Assert(t, err, qt.IsNil)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: der},
	} {
		qt.Assert(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600), qt.IsNil)
	}
}

// cpu returns the CPU time that the process takes during f.
func (s *receiverProcess) cpu(f func()) time.Duration {
	before := s.ticks()
	f()
	return time.Duration(s.ticks()-before) * 10 * time.Millisecond // USER_HZ is 100
}

func (s *receiverProcess) ticks() int {
	stat := read(s.t, fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	user, err := strconv.Atoi(fields[11])
	qt.Assert(s.t, err, qt.IsNil)
	system, err := strconv.Atoi(fields[12])
	qt.Assert(s.t, err, qt.IsNil)
	return user + system
}

// rss returns the resident memory in bytes.
func (s *receiverProcess) rss() int {
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(read(s.t, fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid)))
	n, err := strconv.Atoi(m[1])
	qt.Assert(s.t, err, qt.IsNil)
	return n << 10
}

// stop stops the process and checks how many entries it has stored.
func (s *receiverProcess) stop(entries int) {
	s.t.Helper()
	qt.Assert(s.t, s.cmd.Process.Signal(os.Interrupt), qt.IsNil)
	text := <-s.last
	qt.Check(s.t, s.cmd.Wait(), qt.IsNil)
	stored := regexp.MustCompile(`stored ([\d,]+) entries`).FindStringSubmatch(text)
	qt.Assert(s.t, stored, qt.HasLen, 2, qt.Commentf("%s", text))
	qt.Check(s.t, strings.ReplaceAll(stored[1], ",", ""), qt.Equals, strconv.Itoa(entries))
}
