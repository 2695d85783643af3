package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// books are the files of a collector.
type books struct {
	t      *testing.T
	netlog string // the program
	dir    string
}

func newBooks(t *testing.T) books {
	return books{t, build(t, "github.com/go-netlog/netlog/cmd/netlog"), t.TempDir()}
}

// of returns the entries of the node with the identity in a file, in order. The collector must have stored some, and
// must have ended.
func (b *books) of(idFile string) []*record.Entry {
	b.t.Helper()
	all, err := b.sofar(idFile)
	qt.Assert(b.t, err, qt.IsNil)
	return all
}

// sofar is like of while the collector runs. It returns an error too if nothing is stored yet.
func (b *books) sofar(idFile string) (all []*record.Entry, err error) {
	b.t.Helper()
	id := strings.TrimSpace(sh(b.t, b.netlog, "id", "public", idFile))
	out, err := exec.Command(b.netlog, "fmt", "-json", b.dir).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	for line := range strings.Lines(string(out)) {
		e := new(record.Entry)
		qt.Assert(b.t, json.Unmarshal([]byte(line), e), qt.IsNil)
		if e.Logtail.ID == id {
			all = append(all, e)
		}
	}
	return all, err
}

type flows map[flowtrack.Tuple]tunstats.Counts

func (f flows) add(list []record.ConnectionCounts) {
	for _, c := range list {
		f[c.Tuple] = f[c.Tuple].Add(c.Counts)
	}
}

// inside returns the flows inside the tunnel.
func inside(entries []*record.Entry) flows {
	f := make(flows)
	for _, e := range entries {
		f.add(e.VirtualTraffic)
		f.add(e.SubnetTraffic)
		f.add(e.ExitTraffic)
	}
	return f
}

func (f flows) sum() (total tunstats.Counts) {
	for _, c := range f {
		total = total.Add(c)
	}
	total.TxFlags, total.RxFlags = 0, 0
	return total
}
