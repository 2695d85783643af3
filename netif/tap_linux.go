package netif

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-netlog/netlog/tunstats"
)

const drainTimeout = time.Second // bounds the wait for captured packets when counting is turned off

// tap counts the packets in a ring. A goroutine owns the ring; others send it requests.
type tap struct {
	name  string // immutable, like the fields below
	meter *tunstats.Meter
	logf  func(format string, args ...any)
	wake  int // eventfd that interrupts the wait of the goroutine
	asked chan request
	ended chan struct{} // closed when the goroutine has ended

	current atomic.Pointer[string] // name of the interface now; nil while it is absent
	lost    atomic.Uint64

	once sync.Once // guards the call of end

	// Owned by the goroutine.
	ring     *ring
	links    int // netlink socket that is readable after a change of any interface
	enabled  bool
	index    int    // the interface to which ring is bound, or 0
	captured uint64 // packets that the kernel has put into the ring
}

// request is a change of the state of a tap.
type request struct {
	enable, end bool
	done        chan struct{}
}

func openTap(name string, opts Options, meter *tunstats.Meter) (*tap, error) {
	fail := func(err error) (*tap, error) { return nil, fmt.Errorf("netif: %s: %w", name, err) }
	if len(name) == 0 || len(name) >= unix.IFNAMSIZ {
		return nil, fmt.Errorf("netif: %q is not the name of an interface: it must have 1 to %d bytes", name, unix.IFNAMSIZ-1)
	}
	found, err := findInterface(name)
	if err != nil && !(opts.Wait && errors.Is(err, fs.ErrNotExist)) {
		return fail(err)
	}
	ringBytes := opts.RingBytes
	if ringBytes <= 0 {
		ringBytes = DefaultRingBytes
	}
	r, err := newRing(ringBytes, found != nil && found.Flags&net.FlagLoopback != 0)
	if errors.Is(err, unix.EPERM) {
		return fail(fmt.Errorf("capturing packets needs root or the capability CAP_NET_RAW: %w", err))
	} else if err != nil {
		return fail(err)
	}
	t := &tap{
		name: name, meter: meter, logf: opts.Logf, ring: r, links: -1, wake: -1,
		asked: make(chan request, 1), ended: make(chan struct{}),
	}
	if t.logf == nil {
		t.logf = func(string, ...any) {}
	}
	if err := t.openSignals(); err != nil {
		t.release()
		return fail(err)
	}
	if found != nil {
		t.current.Store(&found.Name)
		t.index = found.Index
	} else {
		t.logf("netif: %s: waiting for the interface; now there are %s", name, others())
	}
	go t.run()
	return t, nil
}

// others returns the names of some interfaces, for an operator who has mistyped one.
func others() string {
	const shown = 12
	all, _ := net.Interfaces() // those that could be read
	var names []string
	for _, i := range all[:min(len(all), shown)] {
		names = append(names, i.Name)
	}
	if len(all) > shown {
		names = append(names, "others")
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}

// openSignals opens what interrupts the wait for packets.
func (t *tap) openSignals() (err error) {
	if t.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	t.links, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	return unix.Bind(t.links, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK})
}

func (t *tap) release() {
	t.ring.close()
	unix.Close(t.links)
	unix.Close(t.wake)
}

// ask makes a request and waits until it is carried out. After the end of the tap it does nothing.
func (t *tap) ask(q request) {
	q.done = make(chan struct{})
	select {
	case <-t.ended:
		return
	case t.asked <- q:
	}
	unix.Write(t.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	select {
	case <-t.ended:
	case <-q.done:
	}
}

func (t *tap) setEnabled(enable bool) { t.ask(request{enable: enable}) }

func (t *tap) close() error {
	t.once.Do(func() { t.ask(request{end: true}) })
	<-t.ended
	return nil
}

func (t *tap) lostPackets() uint64 { return t.lost.Load() }

func (t *tap) currentName() string {
	if name := t.current.Load(); name != nil {
		return *name
	}
	return t.name
}
