package wgtun

import (
	"errors"
	"io"
	"time"

	"github.com/go-netlog/netlog/internal/wgpeer"
)

// ErrBusy is returned if a device does not answer within a second: because its state is changing, or because
// the call comes from inside such a change, for example from its Bind.
var ErrBusy = errors.New("wgtun: the device is busy")

// askTimeout bounds the wait for a device. wireguard-go answers in microseconds, but holds its locks during Up,
// Down and Close, and while these call its Bind. Waiting without a bound would be a deadlock for a caller
// inside them.
const askTimeout = time.Second

// ConfigSource is a device whose configuration can be read, as a *device.Device of wireguard-go and of its forks.
type ConfigSource interface {
	// IpcGetOperation writes the configuration and the counters of the device to w, as lines of the form key=value
	// in which public_key begins a peer (https://www.wireguard.com/xplatform/). Keys that wireguard-go does not have
	// are ignored. IpcGetOperation must be safe for concurrent use. If it hangs, its callers wait for at most a
	// second, but the goroutine that calls it remains until it returns: one for each [Underlay], [FollowPeers] and
	// call of [Routes].
	IpcGetOperation(w io.Writer) error
}

// newAsker returns an Asker for a device.
func newAsker() *wgpeer.Asker { return wgpeer.NewAsker(askTimeout, ErrBusy) }

// readPeers reads the peers of dev, in no particular order. It waits for dev. With an error, the list is incomplete.
func readPeers(dev ConfigSource) ([]wgpeer.Peer, error) {
	var c configReader
	err := dev.IpcGetOperation(&c)
	if c.err != nil {
		err = c.err // dev may have hidden it
	}
	return c.peers, err
}
