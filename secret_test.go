package netlog_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/secrettest"
)

// TestSecretsNotPrinted looks for IDs and tokens in everything that a Logger
// says, returns or shows, in hexadecimal digits and as decimal bytes.
func TestSecretsNotPrinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, domain := secrettest.NewID(), secrettest.NewID()
		const token = "s3cr3t-t0k3n-0123456789"
		srv := &server{answer: func(req *http.Request) (int, error) {
			return 0, errors.New("post " + req.URL.String() + " with " + req.Header.Get("Authorization"))
		}}
		var said strings.Builder
		l := &netlog.Logger{
			Upload: srv.config(),
			Logf:   func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) },
		}
		l.Upload.PrivateID, l.Upload.CopyPrivateID = id, domain
		l.Upload.Header = http.Header{"Authorization": {"Bearer " + token}}
		l.Upload.URL = "http://user:" + token + "@127.0.0.1/" + token // refused: userinfo
		err := l.Startup(id, domain, new(fakeDevice), nil)
		qt.Assert(t, err, qt.IsNotNil)
		fmt.Fprintln(&said, err)

		l.Upload.URL = "http://127.0.0.1/" + token
		dev := new(fakeDevice)
		qt.Assert(t, l.Startup(id, domain, dev, nil), qt.IsNil)
		dev.count(toPeer, one)
		time.Sleep(time.Minute)
		synctest.Wait() // for the poll: fmt reads what it writes

		fmt.Fprintln(&said, l.Startup(id, domain, dev, nil)) // running
		for _, format := range []string{"%v\n", "%+v\n", "%#v\n", "%s\n", "%x\n", "%q\n"} {
			for _, v := range []any{l, &l.Upload, l.Upload, l.Stats(), id, domain} {
				fmt.Fprintf(&said, format, v)
			}
		}
		stats, _ := json.Marshal(l.Stats())
		config, _ := json.Marshal(l.Upload) // may fail; the error is looked at too
		said.Write(append(stats, config...))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = l.Shutdown(ctx)
		qt.Assert(t, err, qt.IsNotNil)
		fmt.Fprintf(&said, "%v %+v %#v", err, err, err)

		out := strings.ToLower(said.String())
		for name, secret := range map[string]string{
			"token":      token,
			"node ID":    hex.EncodeToString(id[:8]),
			"domain ID":  hex.EncodeToString(domain[:8]),
			"node bytes": strings.Trim(fmt.Sprint(id[:8]), "[]"),
		} {
			if at := strings.Index(out, strings.ToLower(secret)); at >= 0 {
				t.Errorf("the %s is in: ...%s...", name, out[max(0, at-100):min(len(out), at+60)])
			}
		}
	})
}
