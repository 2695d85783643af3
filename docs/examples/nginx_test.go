package examples_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
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
)

// TestNginx sends uploads through a real nginx to two receivers.
func TestNginx(t *testing.T) {
	engines(t)
	nginx := findNginx(t)
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

	port, pool, dir, stop := startNginx(t, nginx, one.URL, two.URL)
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
		t.Fatalf("nginx does not answer: %v", err)
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

func findNginx(t *testing.T) string {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed; Debian has it in nginx-light")
	}
	return nginx
}

// startNginx starts nginx in dir with nginx.conf, in front of the receivers at two URLs.
func startNginx(t *testing.T, nginx, one, two string) (port string, pool *x509.CertPool, dir string, stop func()) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{"run", "logs", "tls"} {
		qt.Assert(t, os.Mkdir(filepath.Join(dir, d), 0o700), qt.IsNil)
	}
	pool = writeCert(t, filepath.Join(dir, "tls"))
	port = freePort(t)
	conf := strings.NewReplacer(
		"127.0.0.1:8641", strings.TrimPrefix(one, "http://"), "127.0.0.1:8642", strings.TrimPrefix(two, "http://"),
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
	stop = func() {
		if cmd.ProcessState == nil {
			cmd.Process.Signal(os.Interrupt)
			cmd.Wait()
		}
	}
	t.Cleanup(stop)
	return port, pool, dir, stop
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
