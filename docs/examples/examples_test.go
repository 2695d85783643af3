// Package examples_test runs the configurations in this directory with the engines that package
// registries have.
package examples_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"

	"github.com/go-netlog/netlog/logtail"
)

// engines returns a directory with the given node modules. It skips the test unless NETLOG_ENGINES is
// set.
func engines(t *testing.T, modules ...string) string {
	dir := os.Getenv("NETLOG_ENGINES")
	if dir == "" {
		t.Skip("set NETLOG_ENGINES=1 to install and run the real engines, or to a directory that has their node_modules")
	}
	if len(modules) == 0 {
		return ""
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	if dir != "1" {
		return dir
	}
	dir = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--no-audit", "--no-fund", "--prefix", dir}, modules...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install %v: %v\n%s", modules, err, out)
	}
	return dir
}

// node runs a script with node in dir and returns its output. The script has input as a global
// variable.
func node(t *testing.T, dir, script string, input any) string {
	t.Helper()
	in, err := json.Marshal(input)
	qt.Assert(t, err, qt.IsNil)
	cmd := exec.CommandContext(t.Context(), "node", "-e",
		`const input = JSON.parse(require("fs").readFileSync(0)); (async () => {`+script+`})().catch(e => { console.error(e); process.exit(1) })`)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	qt.Assert(t, err, qt.IsNil, qt.Commentf("%s", errs.String()))
	return string(out)
}

// readText returns the content of a file.
func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	qt.Assert(t, err, qt.IsNil)
	return string(b)
}

// stored has three records of two nodes, as the receiver stores them. One node counts 300 bytes of the
// flow between them, the other 290. The records also have totals of exit traffic and unknown fields.
var stored = []string{
	`{"logtail":{"id":"aa11","server_time":"2026-11-22T10:00:05.1Z","client_time":"2026-11-22T10:00:05Z","proc_id":7,"proc_seq":1},"nodeId":"a","start":"2026-11-22T10:00:00.000000001Z","end":"2026-11-22T10:00:05Z","virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txPkts":1,"txBytes":100,"rxPkts":1,"rxBytes":50}],"exitTraffic":[{"txPkts":3,"txBytes":18446744073709551615}],"future":{"x":1}}`,
	`{"logtail":{"id":"aa11","server_time":"2026-11-22T10:00:10.1Z","client_time":"2026-11-22T10:00:10Z","proc_id":7,"proc_seq":2},"nodeId":"a","start":"2026-11-22T10:00:05.000000001Z","end":"2026-11-22T10:00:10Z","virtualTraffic":[{"proto":6,"src":"100.64.0.1:4000","dst":"100.64.0.2:22","txPkts":1,"txBytes":100,"rxPkts":1,"rxBytes":50,"more":true}],"subnetTraffic":[{"proto":17,"src":"100.64.0.1:5000","dst":"192.168.1.1:53","txPkts":1,"txBytes":60}]}`,
	`{"logtail":{"id":"bb22","server_time":"2026-11-22T10:00:10.2Z","client_time":"2026-11-22T10:00:10Z","proc_id":8,"proc_seq":1},"nodeId":"b","start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:10Z","virtualTraffic":[{"proto":6,"src":"100.64.0.2:22","dst":"100.64.0.1:4000","txPkts":2,"txBytes":100,"rxPkts":2,"rxBytes":190}]}`,
}

func TestDuckDB(t *testing.T) {
	dir := engines(t, "@duckdb/node-api")
	flows := filepath.Join(t.TempDir(), "flows", "netlog")
	qt.Assert(t, os.MkdirAll(flows, 0o700), qt.IsNil)
	enc, err := zstd.NewWriter(nil)
	qt.Assert(t, err, qt.IsNil)
	old := enc.EncodeAll([]byte(stored[0]+"\n"), nil) // a compressed file
	qt.Assert(t, os.WriteFile(filepath.Join(flows, "2026-11-21.ndjson.zst"), old, 0o600), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(flows, "2026-11-22.ndjson"), []byte(stored[1]+"\n"+stored[2]+"\n"), 0o600), qt.IsNil)

	sql := strings.Replace(readText(t, "duckdb/flows.sql"), "flows/*/*.ndjson*", filepath.Dir(flows)+"/*/*.ndjson*", 1)
	out := node(t, dir, `
		const { DuckDBInstance } = require("@duckdb/node-api");
		const db = await (await DuckDBInstance.create(":memory:")).connect();
		await db.run(input.sql);
		for (const q of ["SELECT version()", "FROM talkers", "SELECT node, class, tx_bytes, rx_bytes FROM hourly",
				"SELECT count(*) FROM flows", "SELECT max(tx_bytes) FROM flows WHERE class = 'exit'"])
			console.log(JSON.stringify((await db.runAndReadAll(q)).getRowsJson()));
	`, map[string]string{"sql": sql})
	version, rest, _ := strings.Cut(out, "\n")
	t.Logf("DuckDB %s", version)
	qt.Check(t, strings.TrimSpace(rest), qt.Equals, strings.Join([]string{
		`[[6,"100.64.0.1:4000","100.64.0.2:22","300"],[17,"100.64.0.1:5000","192.168.1.1:53","60"]]`,
		`[["aa11","exit","18446744073709551615","0"],["aa11","subnet","60","0"],["aa11","virtual","200","100"],["bb22","virtual","100","190"]]`,
		`[["5"]]`,
		`[["18446744073709551615"]]`,
	}, "\n"))
}

func TestClickHouse(t *testing.T) {
	dir := engines(t, "chdb")
	id := logtail.PrivateID(bytes.Repeat([]byte{0x5e}, 32))
	array := "[" + strings.Join(stored, ",") + "]"
	// The second array is sent again, as after a lost answer.
	out := node(t, dir, `
		const { Session } = require("chdb");
		const s = new Session();
		const run = (sql, format) => s.query(sql, format);
		for (const file of [input.schema, input.inbox])
			for (const q of file.replace(/--.*$/gm, "").split(";"))
				if (q.trim()) run(q);
		const settings = "SETTINGS date_time_input_format='best_effort', input_format_skip_unknown_fields=1 ";
		console.log(run("SELECT version()", "TSV").trim());
		for (let i = 0; i < 2; i++)
			run("INSERT INTO netlog.records " + settings + "FORMAT JSONEachRow " + input.array);
		const top = input.top.replace(/--.*$/gm, "").replace(";", "");
		console.log(run(top, "TSV").trim());
		console.log(run("SELECT count(), max(tx_bytes), min(start) FROM netlog.flows FINAL", "TSV").trim());
		run("TRUNCATE TABLE netlog.flows");
		const quoted = "'" + input.array.replace(/\\/g, "\\\\").replace(/'/g, "\\'") + "'";
		run("INSERT INTO netlog.inbox SELECT lower(hex(SHA256(unhex('" + "5e".repeat(32) + "')))), " + quoted);
		console.log(run("SELECT count(), sum(rx_bytes), max(tx_bytes), min(start), any(node) FROM netlog.flows FINAL", "TSV").trim());
		s.close();
	`, map[string]string{
		"schema": readText(t, "clickhouse/schema.sql"), "inbox": readText(t, "clickhouse/inbox.sql"),
		"top": readText(t, "clickhouse/top.sql"), "array": array,
	})
	version, rest, _ := strings.Cut(out, "\n")
	t.Logf("ClickHouse engine %s", version)
	qt.Check(t, strings.TrimSpace(rest), qt.Equals, strings.Join([]string{
		"6\t100.64.0.1:4000\t100.64.0.2:22\t300",
		"17\t100.64.0.1:5000\t192.168.1.1:53\t60",
		"5\t18446744073709551615\t2026-11-22 10:00:00.000000000",
		"5\t290\t18446744073709551615\t2026-11-22 10:00:00.000000000\t" +
			id.Public().String(),
	}, "\n"))
}

// TestNginx sends uploads through a real nginx to two receivers.
func TestNginx(t *testing.T) {
	engines(t)
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed; Debian has it in nginx-light")
	}
	got := make(chan string, 100)
	receiver := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- fmt.Sprintf("%s %s %s %s", name, r.URL.Path, r.Header.Get("Content-Encoding"), body)
		}))
		t.Cleanup(s.Close)
		return s
	}
	one, two := receiver("one"), receiver("two")

	dir := t.TempDir()
	for _, d := range []string{"run", "logs", "tls"} {
		qt.Assert(t, os.Mkdir(filepath.Join(dir, d), 0o700), qt.IsNil)
	}
	pool := writeCert(t, filepath.Join(dir, "tls"))
	port := freePort(t)
	conf := strings.NewReplacer(
		"127.0.0.1:8641", strings.TrimPrefix(one.URL, "http://"), "127.0.0.1:8642", strings.TrimPrefix(two.URL, "http://"),
		"listen 8443", "listen 127.0.0.1:"+port, "flows.example.net", "localhost",
		"http {", "http {\n client_body_temp_path run/b; proxy_temp_path run/p; fastcgi_temp_path run/f; uwsgi_temp_path run/u; scgi_temp_path run/s;\n",
	).Replace(readText(t, "nginx/nginx.conf"))
	if os.Getuid() == 0 {
		conf = "user root;\n" + conf // because the files of the test belong to root
	}
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600), qt.IsNil)
	version, _ := exec.CommandContext(t.Context(), nginx, "-v").CombinedOutput()
	t.Logf("%s", version)
	cmd := exec.Command(nginx, "-p", dir, "-c", "nginx.conf", "-e", "logs/start.log", "-g", "daemon off;")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	qt.Assert(t, cmd.Start(), qt.IsNil)
	stop := func() {
		if cmd.ProcessState == nil {
			cmd.Process.Signal(os.Interrupt)
			cmd.Wait()
		}
	}
	t.Cleanup(stop)

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	t.Cleanup(client.CloseIdleConnections)
	post := func(id string) int {
		var resp *http.Response
		var err error
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
			resp, err = client.Post("https://localhost:"+port+"/c/flows/"+id, "application/json", strings.NewReader("[{}]"))
			if err == nil {
				resp.Body.Close()
				return resp.StatusCode
			}
		}
		t.Fatalf("nginx does not answer: %v\n%s", err, out.String())
		return 0
	}
	var ids []string
	receivers := make(map[string]bool)
	for i := range 16 {
		id := fmt.Sprintf("%064x", 0xabcdef00+int64(i))
		ids = append(ids, id)
		var first string
		for range 2 {
			qt.Assert(t, post(id), qt.Equals, 200)
			name, rest, _ := strings.Cut(<-got, " ")
			qt.Check(t, rest, qt.Equals, "/c/flows/"+id+"  [{}]")
			receivers[name] = true
			qt.Check(t, first == "" || first == name, qt.IsTrue, qt.Commentf("the node went to another receiver"))
			first = name
		}
	}
	qt.Check(t, receivers, qt.HasLen, 2)
	one.Close()
	two.Close()
	qt.Check(t, post(ids[0]), qt.Equals, 502)
	resp, err := client.Get("https://localhost:" + port + "/c/flows/" + ids[0])
	qt.Assert(t, err, qt.IsNil)
	resp.Body.Close()
	qt.Check(t, resp.StatusCode, qt.Equals, 403)
	stop()

	logs := readText(t, filepath.Join(dir, "logs", "access.log"))
	qt.Check(t, strings.Contains(logs, "POST /c/flows/- 200"), qt.IsTrue)
	files, err := filepath.Glob(filepath.Join(dir, "logs", "*"))
	qt.Assert(t, err, qt.IsNil)
	for _, f := range files {
		qt.Check(t, strings.Contains(readText(t, f), "abcdef"), qt.IsFalse, qt.Commentf("%s has a private ID", filepath.Base(f)))
	}
}

// freePort returns a TCP port that is not in use.
func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	qt.Assert(t, err, qt.IsNil)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	qt.Assert(t, err, qt.IsNil)
	return port
}

// writeCert writes a certificate for localhost and its key to dir, and returns a pool that trusts it.
func writeCert(t *testing.T, dir string) *x509.CertPool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	qt.Assert(t, err, qt.IsNil)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	qt.Assert(t, err, qt.IsNil)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	qt.Assert(t, err, qt.IsNil)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o600), qt.IsNil)
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600), qt.IsNil)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}
