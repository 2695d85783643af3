package receiver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	qt "github.com/frankban/quicktest"
	"github.com/klauspost/compress/zstd"
)

// least is a minimal receiver for comparison. It has no bounds, adds only the ID and the time, and
// checks only what encoding/json checks.
type least struct {
	decoder *zstd.Decoder
	mu      sync.Mutex
	file    *os.File
}

func newLeast(c *qt.C) *least {
	d, err := zstd.NewReader(nil)
	c.Assert(err, qt.IsNil)
	c.Cleanup(d.Close)
	f, err := os.Create(c.TempDir() + "/out.ndjson")
	c.Assert(err, qt.IsNil)
	c.Cleanup(func() { f.Close() })
	return &least{decoder: d, file: f}
}

func (l *least) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		body, err = l.decoder.DecodeAll(body, nil)
	}
	var entries []json.RawMessage
	if err == nil {
		err = json.Unmarshal(body, &entries)
	}
	var out []byte
	for _, e := range entries {
		out = fmt.Appendf(out, `{"node":%q,"recv":%q,`, r.URL.Path[len(r.URL.Path)-64:], time.Now().UTC().Format(time.RFC3339Nano))
		out = append(append(out, e[1:]...), '\n')
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		_, err = l.file.Write(out)
	}
	if err != nil {
		http.Error(w, "no", 500)
	}
}
