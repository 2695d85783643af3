package serve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/secrettest"
	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// TestAccessLastDenialReason checks that the reason contains no secret.
func TestAccessLastDenialReason(t *testing.T) {
	c := qt.New(t)
	dir := t.TempDir()
	a, b := secrettest.NewID().Public(), secrettest.NewID().Public()
	hash := func(token string) string { s := sha256.Sum256([]byte(token)); return hex.EncodeToString(s[:]) }
	lines := hash(secrettest.Token) + " netlog " + a.String() + "\n" + hash("all") + " netlog *\n" + strings.Repeat("5e", 32) + " netlog *\n"
	c.Assert(os.WriteFile(dir+"/tokens", []byte(lines), 0o600), qt.IsNil)
	c.Assert(os.WriteFile(dir+"/nodes", []byte(b.String()+" b\n"), 0o600), qt.IsNil)
	acc, err := newAccess(config{tokens: dir + "/tokens", nodes: dir + "/nodes", known: true}, nil)
	c.Assert(err, qt.IsNil)
	for _, test := range []struct {
		header, collection string
		id                 [32]byte
		want               string
	}{
		{"", "netlog", a, "no token"},
		{"Bearer ", "netlog", a, "no token"},
		{"Basic " + secrettest.Token, "netlog", a, "no token"},
		{"Bearer " + secrettest.Token + "x", "netlog", a, "unknown token"},
		{"Bearer " + strings.Repeat("5E", 32), "netlog", a, "unknown token; the tokens file has this token itself, where its SHA-256 belongs"},
		{"Bearer " + strings.Repeat("5e", 33), "netlog", a, "unknown token"},
		{"Bearer " + secrettest.Token, "audit", a, "token not good for this collection"},
		{"Bearer " + secrettest.Token, "netlog", b, "token not good for this node"},
		{"Bearer all", "netlog", a, "node not in the file of -nodes"},
		{"Bearer all", "netlog", b, ""},
	} {
		r := &http.Request{Header: http.Header{"Authorization": {test.header}}}
		err := acc.authorize(r, test.collection, test.id)
		c.Check(err == nil, qt.Equals, test.want == "")
		got := acc.lastDenial()
		secrettest.Check(t, "what is said", got)
		if test.want != "" {
			node := hex.EncodeToString(test.id[:6])
			c.Check(got, qt.Equals, "node "+node+", collection "+test.collection+": "+test.want)
		}
		c.Check(acc.lastDenial(), qt.Equals, "", qt.Commentf("it is told once"))
	}
}

// TestViewRefusalsLastReason checks that the reason is not one of an earlier minute.
func TestViewRefusalsLastReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := qt.New(t)
		var stderr clitest.Output
		v := newView(io.Discard, &stderr, false)
		start := time.Now()
		stats := func() receiver.Stats { // one more a minute, for two
			return receiver.Stats{Forbidden: min(uint64(time.Since(start)/time.Minute), 2)}
		}
		acc := new(access)
		v.denied = acc.lastDenial
		acc.deny([32]byte{0: 0xab}, "netlog", errNotNode)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { v.run(ctx, stats, nil) })
		time.Sleep(5 * time.Minute)
		cancel()
		wg.Wait()
		c.Check(stderr.String(), qt.Equals, "netlog serve: 1 request refused in the last minute: 1 forbidden;"+
			" the last one forbidden: node ab0000000000, collection netlog: token not good for this node\n"+
			"netlog serve: 1 request refused in the last minute: 1 forbidden\n")
	})
}

// TestSinkTooManyCollectionsDenied checks that a batch that is answered 403 counts as
// denied.
func TestSinkTooManyCollectionsDenied(t *testing.T) {
	c := qt.New(t)
	files, err := filestore.Open(t.TempDir(), filestore.Options{MinFreeBytes: -1, MaxCollections: 1})
	c.Assert(err, qt.IsNil)
	defer files.Close()
	s := &shownSink{files, newView(io.Discard, io.Discard, false), nil, new(health), new(access)}
	batch := receiver.Batch{Collection: "a", Received: time.Now(), Entries: [][]byte{[]byte("{}")}}
	c.Check(s.Store(t.Context(), batch), qt.IsNil)
	batch.Collection = "b"
	c.Check(s.Store(t.Context(), batch), qt.ErrorIs, receiver.ErrCollections)
	c.Check(s.access.lastDenial(), qt.Equals, "node 000000000000, collection b: receiver: too many collections")
	c.Check(s.health.failing(), qt.IsFalse)
}
