package netif

import (
	"time"

	"golang.org/x/sys/unix"
)

// run counts packets and carries out requests, until a request ends it.
func (t *tap) run() {
	defer close(t.ended)
	defer t.release()
	for {
		select {
		case q := <-t.asked:
			t.carryOut(q)
			if q.end {
				return
			}
			close(q.done)
		default:
			t.wait(-1)
		}
	}
}

// wait waits for packets, a change of an interface, or a request. It handles all but the request. A
// negative timeout means no limit.
func (t *tap) wait(timeout time.Duration) {
	fds := []unix.PollFd{
		{Fd: int32(t.wake), Events: unix.POLLIN},
		{Fd: int32(t.links), Events: unix.POLLIN},
		{Fd: int32(t.ring.fd), Events: unix.POLLIN},
	}
	millis := -1
	if timeout >= 0 {
		millis = int(timeout.Milliseconds())
	}
	if _, err := unix.Poll(fds, millis); err != nil {
		return // interrupted
	}
	var buf [64]byte
	if fds[0].Revents != 0 {
		unix.Read(t.wake, buf[:])
	}
	if fds[2].Revents&unix.POLLERR != 0 {
		// The interface went down. Reading the error clears it. The kernel goes on capturing
		// when the interface is up again.
		unix.GetsockoptInt(t.ring.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	}
	t.drain()
	if fds[1].Revents != 0 {
		for {
			// The messages do not matter, because follow looks at the interface itself.
			if _, _, err := unix.Recvfrom(t.links, buf[:], 0); err == unix.EAGAIN {
				break
			}
		}
		t.follow()
	}
}

// drain counts the packets that the kernel has handed over.
func (t *tap) drain() {
	t.ring.drain(t.count)
	captured, lost := t.ring.stats()
	t.captured += captured
	if lost > 0 && t.lost.Add(lost) == lost {
		t.logf("netif: %s: the ring had no room for %d packets, which are not counted; a larger one helps. Further losses are counted, but not logged", t.name, lost)
	}
}

func (t *tap) count(f frame) {
	head, packets, bytes := f.packet()
	if f.outgoing() {
		t.meter.UpdateTxN(head, packets, bytes)
	} else {
		t.meter.UpdateRxN(head, packets, bytes)
	}
}

func (t *tap) carryOut(q request) {
	if q.enable == t.enabled {
		return
	}
	t.enabled = q.enable
	if q.enable {
		t.meter.SetStatisticsEnabled(true)
		t.bind()
		return
	}
	t.ring.unbind()
	t.drain()
	for end := time.Now().Add(drainTimeout); t.ring.read < t.captured && time.Now().Before(end); {
		t.wait(retireMillis * time.Millisecond)
	}
	t.meter.SetStatisticsEnabled(false)
}

// bind captures the packets of the interface, if it exists.
func (t *tap) bind() {
	if t.index == 0 || !t.enabled {
		return
	}
	if err := t.ring.bind(t.index); err != nil {
		t.logf("netif: %s: %v", t.name, err)
	}
}

// follow looks for the interface after something has changed.
func (t *tap) follow() {
	if t.index != 0 {
		// An interface that was in another network namespace has come back with its old index,
		// but the socket is no longer bound to it.
		bound := !t.enabled || t.ring.index() == t.index
		if name, err := nameOf(t.ring.fd, t.index); err == nil && bound {
			t.current.Store(&name)
			return
		}
		t.logf("netif: %s: the interface was removed; waiting for the next one", t.name)
		t.current.Store(nil)
		t.index = 0
	}
	if index, err := indexOf(t.ring.fd, t.name); err == nil {
		t.index = index
		t.current.Store(&t.name)
		t.bind()
		t.logf("netif: %s: counting its packets", t.name)
	}
}

// nameOf and indexOf look an interface up in the network namespace of a socket.
func nameOf(fd, index int) (string, error) {
	ifr, err := unix.NewIfreq("any")
	if err != nil {
		return "", err
	}
	ifr.SetUint32(uint32(index))
	err = unix.IoctlIfreq(fd, unix.SIOCGIFNAME, ifr)
	return ifr.Name(), err
}

func indexOf(fd int, name string) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr)
	return int(ifr.Uint32()), err
}
