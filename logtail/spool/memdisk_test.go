package spool

import (
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
)

// memDisk is a directory in memory. A test can let any call fail, and a power cut loses what was not
// synced.
type memDisk struct {
	mu      sync.Mutex // guards the fields below and all files
	files   map[string]*memFile
	durable map[string]*memFile // the files whose names are synced
	locked  bool
	peak    int64 // the largest total size of the files, in bytes

	// fault, if not nil, is called without mu before each call, which fails if it returns an
	// error. So is watch.
	fault func(op, name string) error
	watch func()
}

type memFile struct {
	disk   *memDisk
	name   string
	data   []byte
	synced []byte
}

func newMemDisk() *memDisk {
	return &memDisk{files: map[string]*memFile{}, durable: map[string]*memFile{}}
}

func (d *memDisk) setFault(fault func(op, name string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// fail makes some calls fail with err: those for the file with this name, or for all files if name is
// empty.
func (d *memDisk) fail(err error, name string, ops ...string) {
	d.setFault(func(op, file string) error {
		if slices.Contains(ops, op) && (name == "" || name == file) {
			return err
		}
		return nil
	})
}

// full makes calls that need a free block fail, or succeed again.
func (d *memDisk) full(full bool) {
	if !full {
		d.setFault(nil)
		return
	}
	d.setFault(func(op, name string) error {
		if op == "create" || op == "write" && name != cursorName {
			return errNoSpace
		}
		return nil
	})
}

// damage damages the segment that begins with number first.
func (d *memDisk) damage(first uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	data := d.files[segmentName(first)].data
	data[len(data)/2] ^= 0xff
}

// begin calls fault and locks mu.
func (d *memDisk) begin(op, name string) error {
	d.mu.Lock()
	fault := d.fault
	d.mu.Unlock()
	if d.watch != nil {
		d.watch()
	}
	if fault != nil {
		if err := fault(op, name); err != nil {
			d.mu.Lock()
			return &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	d.mu.Lock()
	return nil
}

func (d *memDisk) Lock() error {
	err := d.begin("lock", "")
	defer d.mu.Unlock()
	if err == nil && d.locked {
		err = ErrLocked
	}
	d.locked = d.locked || err == nil
	return err
}

func (d *memDisk) List() (map[string]int64, error) {
	err := d.begin("list", "")
	defer d.mu.Unlock()
	sizes := map[string]int64{}
	for name, f := range d.files {
		sizes[name] = int64(len(f.data))
	}
	return sizes, err
}

func (d *memDisk) Open(name string, flag int) (file, error) {
	op := "open"
	if flag&os.O_EXCL != 0 {
		op = "create"
	}
	err := d.begin(op, name)
	defer d.mu.Unlock()
	f, found := d.files[name]
	switch {
	case err != nil:
		return nil, err
	case found && flag&os.O_EXCL != 0:
		return nil, fs.ErrExist
	case !found && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case !found:
		f = &memFile{disk: d, name: name}
		d.files[name] = f
	}
	return f, nil
}

func (d *memDisk) Remove(name string) error {
	err := d.begin("remove", name)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	if d.files[name] == nil {
		return fs.ErrNotExist
	}
	delete(d.files, name)
	return nil
}

func (d *memDisk) Holds(name string, f file) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f == nil {
		return d.locked
	}
	m, ok := f.(*memFile)
	return !ok || d.files[name] == m
}

func (d *memDisk) Reopen() (disk, error) { return d, nil }

func (d *memDisk) Sync() error {
	err := d.begin("syncdir", "")
	defer d.mu.Unlock()
	if err == nil {
		d.durable = map[string]*memFile{}
		maps.Copy(d.durable, d.files)
	}
	return err
}

func (d *memDisk) Close() error {
	err := d.begin("close", "")
	defer d.mu.Unlock()
	d.locked = false
	return err
}

// powerCut loses a random part of what was not synced, block by block.
func (d *memDisk) powerCut(r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := map[string]*memFile{}
	for name, f := range d.files {
		if d.durable[name] == f || r.IntN(2) == 0 {
			after[name] = f
		}
	}
	for name, f := range d.durable {
		if after[name] == nil && r.IntN(2) == 0 { // its removal was lost
			after[name] = f
		}
	}
	for _, f := range after {
		lose(f, r)
	}
	d.files, d.locked = after, false
	d.durable = map[string]*memFile{}
	maps.Copy(d.durable, after)
}

func lose(f *memFile, r *rand.Rand) {
	const block = 64 // bytes; smaller than a real block, so that more frames cross a boundary
	size := len(f.data)
	if size > len(f.synced) {
		size = len(f.synced) + r.IntN(size-len(f.synced)+1)
	}
	after := make([]byte, size)
	copy(after, f.synced)
	for at := 0; at < size; at += block {
		if r.IntN(4) > 0 {
			copy(after[at:min(at+block, size)], f.data[at:])
		}
	}
	f.data, f.synced = after, slices.Clone(after)
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	err := f.disk.begin("read", f.name)
	defer f.disk.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n := copy(b, f.data[min(off, int64(len(f.data))):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	err := f.disk.begin("write", f.name)
	defer f.disk.mu.Unlock()
	if err != nil {
		b = b[:len(b)/2] // a failing write may write a part
	}
	if grow := int(off) + len(b) - len(f.data); grow > 0 {
		f.data = append(f.data, make([]byte, grow)...)
	}
	n := copy(f.data[off:], b)
	f.disk.peak = max(f.disk.peak, f.disk.totalLocked())
	return n, err
}

func (f *memFile) Truncate(size int64) error {
	err := f.disk.begin("truncate", f.name)
	defer f.disk.mu.Unlock()
	if err == nil && int(size) < len(f.data) {
		f.data = f.data[:size]
	}
	return err
}

func (f *memFile) Sync() error {
	err := f.disk.begin("sync", f.name)
	defer f.disk.mu.Unlock()
	if err == nil {
		f.synced = slices.Clone(f.data)
	}
	return err
}

func (f *memFile) Close() error {
	err := f.disk.begin("closefile", f.name)
	f.disk.mu.Unlock()
	return err
}

func (d *memDisk) totalLocked() (sum int64) {
	for _, f := range d.files {
		sum += int64(len(f.data))
	}
	return sum
}

// clone returns a copy of d, with everything synced.
func (d *memDisk) clone() *memDisk {
	c := newMemDisk()
	for name, f := range d.files {
		c.files[name] = &memFile{disk: c, name: name, data: slices.Clone(f.data), synced: slices.Clone(f.data)}
		c.durable[name] = c.files[name]
	}
	return c
}

var (
	errIO       = error(syscall.EIO)
	errNoSpace  = noSpace()
	errNoMemory = noMemory()
)

// noMemory returns the error of a system that lacks memory.
func noMemory() error {
	if runtime.GOOS == "windows" {
		return syscall.Errno(8) // ERROR_NOT_ENOUGH_MEMORY
	}
	return syscall.ENOMEM
}

// noSpace returns the error of a full disk.
func noSpace() error {
	if runtime.GOOS == "windows" {
		return syscall.Errno(112) // ERROR_DISK_FULL
	}
	return syscall.ENOSPC
}
