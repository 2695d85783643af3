package spool_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// BenchmarkAppend measures Append to a full buffer, which drops its oldest entries.
func BenchmarkAppend(b *testing.B) {
	buffers := []struct {
		name string
		open func(b *testing.B) logtail.Buffer
	}{
		{"memory", func(b *testing.B) logtail.Buffer { return logtail.NewMemoryBuffer(32 << 20) }},
		{"spool=never", func(b *testing.B) logtail.Buffer { return open(b, b.TempDir(), spool.Options{Sync: spool.Never}) }},
		{"spool=interval", func(b *testing.B) logtail.Buffer { return open(b, b.TempDir(), spool.Options{}) }},
		{"spool=always", func(b *testing.B) logtail.Buffer { return open(b, b.TempDir(), spool.Options{Sync: spool.Always}) }},
	}
	for _, buffer := range buffers {
		for _, size := range []int{1 << 10, 64 << 10} {
			b.Run(fmt.Sprintf("%s/size=%d", buffer.name, size), func(b *testing.B) {
				buf, entry := buffer.open(b), bytes.Repeat([]byte("x"), size)
				b.ReportAllocs()
				b.SetBytes(int64(size))
				for b.Loop() {
					if err := buf.Append(entry); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkDrain delivers 4 MiB in batches of 256 KiB.
func BenchmarkDrain(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			const total = 4 << 20
			s, entry := open(b, b.TempDir(), spool.Options{Sync: spool.Never}), bytes.Repeat([]byte("x"), size)
			b.ReportAllocs()
			b.SetBytes(total)
			for b.Loop() {
				b.StopTimer()
				for range total / size {
					qt.Assert(b, s.Append(entry), qt.IsNil)
				}
				b.StartTimer()
				for {
					entries, through, err := s.Peek(256 << 10)
					if err != nil || s.Ack(through) != nil {
						b.Fatal(err)
					}
					if len(entries) == 0 {
						break
					}
				}
			}
		})
	}
}

// BenchmarkOpen opens a full spool of 32 MiB with entries of 1 KiB.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := open(b, dir, spool.Options{Sync: spool.Never})
	for s.Stats().DroppedEntries == 0 {
		qt.Assert(b, s.Append(bytes.Repeat([]byte("x"), 1<<10)), qt.IsNil)
	}
	qt.Assert(b, s.Close(), qt.IsNil)
	b.ReportAllocs()
	for b.Loop() {
		s, err := spool.Open(dir, owner, spool.Options{Sync: spool.Never})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpload delivers 32 MiB of entries of 1 KiB to a server on loopback that stores nothing.
func BenchmarkUpload(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
	}))
	defer srv.Close()
	id := logtail.PrivateID{1}
	e := fmt.Appendf(nil, `{"pad":"%s"}`, bytes.Repeat([]byte("x"), 1000))
	const total = 32 << 20
	b.SetBytes(total)
	for b.Loop() {
		b.StopTimer()
		s, err := spool.Open(b.TempDir(), id.Public(), spool.Options{MaxBytes: 2 * total, Sync: spool.Never})
		qt.Assert(b, err, qt.IsNil)
		for range total / len(e) {
			qt.Assert(b, s.Append(e), qt.IsNil)
		}
		b.StartTimer()
		l, err := logtail.NewLogger(logtail.Config{Collection: "test", PrivateID: id, BaseURL: srv.URL, Buffer: s})
		qt.Assert(b, err, qt.IsNil)
		qt.Assert(b, l.Shutdown(b.Context()), qt.IsNil)
		b.StopTimer()
		qt.Assert(b, s.Close(), qt.IsNil)
		b.StartTimer()
	}
}
