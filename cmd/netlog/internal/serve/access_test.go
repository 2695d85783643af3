package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

func TestServeTokens(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	a, b := secrettest.NewID(), secrettest.NewID()
	hash := func(token string) string { s := sha256.Sum256([]byte(token)); return hex.EncodeToString(s[:]) }
	tokens := filepath.Join(dir, "tokens")
	write := func(lines ...string) {
		c.Assert(os.WriteFile(tokens, []byte(strings.Join(lines, "\n")), 0o600), qt.IsNil)
	}
	write("# who may send", "", hash("all")+" netlog *", hash("one")+" netlog "+a.Public().String(), hash("other")+" audit *")
	s := startServe(c, "-dir", dir+"/flows", "-tokens", tokens)
	for _, test := range []struct {
		name  string
		id    logtail.PrivateID
		token string
		want  int
	}{
		{"no token", a, "", 401},
		{"a wrong token", a, "x", 401},
		{"the hash for the token", a, hash("all"), 401},
		{"a token for every node", a, "all", 200},
		{"a token for this node", a, "one", 200},
		{"a token for another node's ID", b, "one", 403},
		{"a token for another collection", a, "other", 403},
	} {
		c.Check(clitest.Send(c, s.url, test.id, `{}`, test.token), qt.Equals, test.want, qt.Commentf("%s", test.name))
	}
	write("# who may send", "", hash("new")+" netlog *", "", "")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if clitest.Send(c, s.url, a, `{}`, "new") == 200 {
			break
		}
	}
	c.Check(clitest.Send(c, s.url, a, `{}`, "all"), qt.Equals, 401, qt.Commentf("the file was read again"))
}

// TestAccessWarnsWithoutTokens checks the warning when the file becomes empty, perhaps by
// mistake.
func TestAccessWarnsWithoutTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		cfg := config{tokens: filepath.Join(t.TempDir(), "tokens")}
		write := func(s string) { c.Assert(os.WriteFile(cfg.tokens, []byte(s), 0o600), qt.IsNil) }
		grant := strings.Repeat("ab", 32) + " netlog *\n"
		write(grant)
		var said []string
		a, err := newAccess(cfg, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		c.Assert(err, qt.IsNil)
		for _, step := range []struct {
			file string
			said []string
		}{
			{"", []string{"has fewer lines", "again", "nobody can send: there is no token in " + cfg.tokens}},
			{grant + grant, []string{"again"}},
			{"bad\nbad\n", []string{"stays in force"}},
			{"# none\n#\n", []string{"again", "nobody can send"}},
		} {
			said = nil
			write(step.file)
			for range shrunkFor/checkEvery + 2 {
				a.tokens.check()
				time.Sleep(checkEvery)
			}
			c.Assert(said, qt.HasLen, len(step.said), qt.Commentf("%q: %q", step.file, said))
			for i, want := range step.said {
				c.Check(said[i], qt.Contains, want)
			}
		}
	})
}

func TestGrantsFile(t *testing.T) {
	h := strings.Repeat("ab", 32)
	for _, test := range []struct {
		line string
		ok   bool
	}{
		{h + " netlog *", true}, {"\t" + h + "  a.b  " + h + " ", true}, {"# comment", true}, {"", true},
		{h + " netlog", false}, {h[1:] + " netlog *", false}, {"x" + h[1:] + " netlog *", false},
		{h + " .. *", false}, {h + " netlog " + h[2:], false}, {h + " netlog * *", false}, {h + " * *", false},
	} {
		c := qt.New(t)
		_, err := parseGrants("tokens", []byte(test.line))
		c.Check(err == nil, qt.Equals, test.ok, qt.Commentf("%q: %v", test.line, err))
	}
}

// TestGrantsEmptyToken checks that a line made from an empty variable lets nobody in.
func TestGrantsEmptyToken(t *testing.T) {
	c := qt.New(t)
	none := sha256.Sum256(nil)
	_, err := parseGrants("tokens", []byte("# who\n"+strings.ToUpper(hex.EncodeToString(none[:]))+" netlog *\n"))
	c.Check(err, qt.ErrorMatches, "tokens:2: want the SHA-256 of a token, not that of nothing.*")
	for _, header := range []string{"", "Bearer", "Bearer ", "bearer", "Basic "} {
		err := authorize(grants{none: {{collection: "netlog", everyone: true}}}, header, "netlog", logtail.PublicID{})
		c.Check(err, qt.ErrorIs, receiver.ErrUnauthorized, qt.Commentf("%q", header))
	}
}

func TestServeKnownOnly(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	known := secrettest.NewID()
	c.Assert(os.WriteFile(dir+"/nodes", []byte(known.Public().String()+" a\n"), 0o600), qt.IsNil)
	s := startServe(c, "-dir", dir+"/flows", "-nodes", dir+"/nodes", "-known-only")
	c.Check(clitest.Send(c, s.url, known, `{}`, ""), qt.Equals, 200)
	c.Check(clitest.Send(c, s.url, secrettest.NewID(), `{}`, ""), qt.Equals, 403)
}

// writeCertificate stores a certificate of name for 127.0.0.1 and its key in dir.
func writeCertificate(c *qt.C, dir, name string) (roots *x509.CertPool) {
	c.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c.Assert(err, qt.IsNil)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	c.Assert(err, qt.IsNil)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	c.Assert(err, qt.IsNil)
	for file, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: cert}, "key": {Type: "PRIVATE KEY", Bytes: private}} {
		c.Assert(os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600), qt.IsNil)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	return roots
}

func TestServeTLS(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	roots := writeCertificate(c, dir, "first")
	s := startServe(c, "-dir", dir+"/flows", "-tls-cert", dir+"/cert", "-tls-key", dir+"/key")
	c.Check(s.url, qt.Matches, "https://.*")
	get := func(roots *x509.CertPool) (*http.Response, error) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: tr}).Get(s.url + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return resp, err
	}
	resp, err := get(roots)
	c.Assert(err, qt.IsNil)
	c.Check(resp.StatusCode, qt.Equals, 200)
	c.Check(resp.ProtoMajor, qt.Equals, 1, qt.Commentf("a connection holds one request"))
	_, err = get(nil)
	c.Check(err, qt.ErrorMatches, ".*certificate.*", qt.Commentf("a client that does not trust it"))

	renewed := writeCertificate(c, dir, "second")
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, err = get(renewed); err == nil {
			break
		}
	}
	c.Check(err, qt.IsNil, qt.Commentf("a certificate is renewed without a restart"))
	c.Check(s.stop(), qt.Equals, cli.ExitOK)
	c.Check(s.stderr.String(), qt.Not(qt.Contains), "handshake")
}
