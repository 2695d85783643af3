package backlog

import (
	"bytes"
	"fmt"
	"testing"

	qt "github.com/frankban/quicktest"
)

func entries(list ...string) (all [][]byte) {
	for _, s := range list {
		all = append(all, []byte(s))
	}
	return all
}

func woken(b *Backlog) bool {
	select {
	case <-b.Wake():
		return true
	default:
		return false
	}
}

func TestBacklogOrder(t *testing.T) {
	b := New(100)
	qt.Check(t, b.Next(), qt.IsNil)
	qt.Check(t, b.All(), qt.HasLen, 0)
	qt.Check(t, woken(b), qt.IsFalse)
	in := entries("a", "b", "c")
	b.Add(in)
	in[0][0] = 'x' // Add has copied it
	b.Add(entries("d"))
	qt.Check(t, woken(b), qt.IsTrue)
	qt.Check(t, string(b.Next()), qt.Equals, "a")
	qt.Check(t, woken(b), qt.IsTrue) // there are more
	qt.Check(t, string(bytes.Join(b.All(), nil)), qt.Equals, "bcd")
	qt.Check(t, b.Next(), qt.IsNil)
}

func TestBacklogBounded(t *testing.T) {
	b := New(10)
	b.Add(entries("123456", "1234567", "1234"))
	qt.Check(t, b.Skipped(), qt.Equals, uint64(1))
	qt.Check(t, fmt.Sprintf("%s", b.All()), qt.Equals, "[123456 1234]")
	b.Add(entries("1234567890"))
	b.Next()
	b.Add(entries("1234567890", "1"))
	qt.Check(t, b.Skipped(), qt.Equals, uint64(2))
	qt.Check(t, b.All(), qt.HasLen, 1)
}
