package deploytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
	corev1 "k8s.io/api/core/v1"

	"github.com/go-netlog/netlog/internal/secrettest"
)

// authority signs the certificates of a test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
	}
	var der []byte
	a.key, der = sign(t, template, nil)
	var err error
	a.cert, err = x509.ParseCertificate(der)
	qt.Assert(t, err, qt.IsNil)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

// sign returns a key and its certificate, signed by a, or by itself if a is nil.
func sign(t *testing.T, template *x509.Certificate, a *authority) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	qt.Assert(t, err, qt.IsNil)
	parent, signer := template, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	qt.Assert(t, err, qt.IsNil)
	return key, der
}

// issue returns the files of a secret of type kubernetes.io/tls.
func (a *authority) issue(t *testing.T, serial int64) map[string][]byte {
	t.Helper()
	names := []string{"netlog.netlog.svc", "localhost"}
	key, der := sign(t, &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: names}, a)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	qt.Assert(t, err, qt.IsNil)
	return map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
}

// client trusts a. Each of its requests has a connection of its own.
func (a *authority) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
}

// tokens returns the content of a tokens file that accepts a token from every node.
func tokens(token string) map[string][]byte {
	return map[string][]byte{"tokens.txt": fmt.Appendf(nil, "%x netlog *\n", sha256.Sum256([]byte(token)))}
}

// newSecrets returns the secrets and the config map that the manifests name, with the token "first" and a certificate of
// serial number 2.
func newSecrets(t *testing.T, a *authority) map[string]map[string][]byte {
	t.Helper()
	return map[string]map[string][]byte{
		"netlog-tokens": tokens("first"),
		"netlog-tls":    a.issue(t, 2),
		"netlogd-token": {"token": []byte("first\n")},
		"netlog-ca":     {"ca.crt": a.pem},
	}
}

// post sends an entry with a token to a receiver and returns the status.
func post(t *testing.T, client *http.Client, token string) int {
	t.Helper()
	id, err := secrettest.NewID().MarshalText()
	qt.Assert(t, err, qt.IsNil)
	url := "https://localhost:8641/c/netlog/" + string(id)
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(`{}`))
	qt.Assert(t, err, qt.IsNil)
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(r)
	qt.Assert(t, err, qt.IsNil)
	resp.Body.Close()
	return resp.StatusCode
}

// TestSecretCommands runs the commands of the README that create the secrets, without a cluster, and checks that the
// pods find in them the files that their flags name.
func TestSecretCommands(t *testing.T) {
	need(t, "kubectl", "kubectl")
	a, dir := newAuthority(t), t.TempDir()
	tlsFiles := a.issue(t, 2)
	for name, data := range map[string][]byte{
		"tokens.txt": tokens("first")["tokens.txt"], "cert.pem": tlsFiles["tls.crt"], "key.pem": tlsFiles["tls.key"],
		"token": []byte("first\n"), "ca.crt": a.pem,
	} {
		qt.Assert(t, os.WriteFile(filepath.Join(dir, name), data, 0o600), qt.IsNil)
	}
	readme, err := os.ReadFile("../README.md")
	qt.Assert(t, err, qt.IsNil)
	got := make(map[string]map[string][]byte)
	commands := regexp.MustCompile(`(?m)^kubectl -n netlog create (secret|configmap) .*$`)
	for _, line := range commands.FindAllString(string(readme), -1) {
		args := strings.Fields(line)[1:]
		cmd := exec.CommandContext(t.Context(), "kubectl", append(args, "--dry-run=client", "-o", "json")...)
		var errs bytes.Buffer
		cmd.Dir, cmd.Stderr = dir, &errs
		out, err := cmd.Output()
		qt.Assert(t, err, qt.IsNil, qt.Commentf("%s: %s", line, errs.String()))
		var object corev1.Secret
		if strings.Contains(line, "configmap") {
			var m corev1.ConfigMap
			qt.Assert(t, json.Unmarshal(out, &m), qt.IsNil)
			object.Name, object.Data = m.Name, map[string][]byte{}
			for name, text := range m.Data {
				object.Data[name] = []byte(text)
			}
		} else {
			qt.Assert(t, json.Unmarshal(out, &object), qt.IsNil)
		}
		got[object.Name] = object.Data
	}
	qt.Check(t, got, qt.HasLen, 4)
	for name, files := range newSecrets(t, a) {
		qt.Check(t, got[name], qt.HasLen, len(files), qt.Commentf("%s", name))
		for file := range files {
			qt.Check(t, len(got[name][file]) > 0, qt.IsTrue, qt.Commentf("%s has no %s", name, file))
		}
	}
}
