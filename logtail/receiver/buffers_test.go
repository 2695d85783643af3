package receiver

import (
	"compress/gzip"
	"reflect"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
)

// fill fills all buffers of k except out.
func fill(c *qt.C, k *work) {
	co := newCore(&Handler{})
	k.wire = append(k.wire, `[{"logtail":{"proc_id":1,"proc_seq":2,"error":{"a":1}},"b":2},{"c":{"d":3}}]`...)
	k.plain = append(k.plain, k.wire...)
	k.id, k.received = logtail.PublicID{1}, time.Unix(1, 0)
	k.gunzip = new(gunzipper)
	_, err := k.gunzip.append(nil, []byte("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"+"name\x00"+"\x01\x02\x00\xfd\xff{}"), 1) // a file name, and too many bytes
	c.Assert(err, qt.Equals, errLargeBody)
	entries, err := k.split.split(k.plain, 10, 1000)
	c.Assert(err, qt.IsNil)
	k.node, _ = co.nodes.enter(k.id, time.Now())
	k.attribute(co, entries)
}

// TestBuffersEmptied checks that the buffers of a finished request refer to no body and no stream.
func TestBuffersEmptied(t *testing.T) {
	c := qt.New(t)
	var k work
	fill(c, &k)
	eachSlice(reflect.ValueOf(k.buffers), "", func(name string, s reflect.Value) {
		c.Check(s.Len() > 0, qt.IsTrue, qt.Commentf("%s is not filled by this test", name))
	})
	c.Check(k.gunzip.src.Size(), qt.Equals, int64(0))
	c.Check(k.gunzip.reader.Header, qt.DeepEquals, gzip.Header{})
	eachSlice(reflect.ValueOf(k.buffers.emptied()), "", func(name string, s reflect.Value) {
		c.Check(s.Len(), qt.Equals, 0, qt.Commentf("%s", name))
		c.Check(s.Cap() > 0, qt.IsTrue, qt.Commentf("%s is not reused", name))
		switch s.Type().Elem().Kind() {
		case reflect.Uint8, reflect.Int: // not references
			return
		}
		s = s.Slice(0, s.Cap())
		for n := range s.Len() {
			c.Check(s.Index(n).IsZero(), qt.IsTrue, qt.Commentf("%s[%d]", name, n))
		}
	})
}

// TestBuffersLargeNotKept checks that large buffers are not kept, but others of the same request are.
func TestBuffersLargeNotKept(t *testing.T) {
	c := qt.New(t)
	var k work
	fill(c, &k)
	k.plain = make([]byte, maxKept+1)
	k.undos = make([]undo, maxKeptItems+1)
	b := k.buffers.emptied()
	c.Check(b.plain, qt.IsNil)
	c.Check(b.undos, qt.IsNil)
	c.Check(cap(b.wire) > 0, qt.IsTrue)
}

// eachSlice calls do with the slices in a struct and its embedded structs.
func eachSlice(v reflect.Value, prefix string, do func(name string, s reflect.Value)) {
	for field, f := range v.Fields() {
		switch name := prefix + field.Name; f.Kind() {
		case reflect.Slice:
			do(name, f)
		case reflect.Struct:
			eachSlice(f, name+".", do)
		}
	}
}
