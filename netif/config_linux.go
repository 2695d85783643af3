package netif

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/go-netlog/netlog/internal/wgpeer"
)

// The configuration of WireGuard is read with wgctrl, the library of the WireGuard project, for
// the kernel and for userspace. Addresses and routes are read with jsimonetti/rtnetlink, which is a
// thin layer over mdlayher/netlink. wgctrl needs mdlayher/netlink anyway, while the alternative,
// vishvananda/netlink, brings its own implementation of all of netlink.

// wireguardPeers returns the peers of a WireGuard interface. The error is fs.ErrNotExist if there is
// no such interface, or if it does not belong to WireGuard, and errBusy if its process does not answer
// asker in time. Each call makes new connections, because the kernel may load the module of WireGuard,
// and the interface may appear, at any time.
func wireguardPeers(asker *wgpeer.Asker, name string) ([]wgpeer.Peer, error) {
	client, err := wgctrl.New() // in the namespace of this thread
	if err != nil {
		return nil, err
	}
	defer client.Close() // closes the connection to the kernel only
	peers, err := asker.Ask(func() ([]wgpeer.Peer, error) {
		device, err := client.Device(name)
		if err != nil {
			return nil, err
		}
		return convert(device.Peers), nil
	})
	switch {
	case errors.Is(err, unix.ECONNREFUSED): // the process is gone, and has left its socket behind
		return nil, fs.ErrNotExist
	case err != nil:
		return nil, denied(name, err)
	}
	return peers, nil
}

// convert returns the peers of wgctrl.
func convert(list []wgtypes.Peer) []wgpeer.Peer {
	peers := make([]wgpeer.Peer, len(list))
	for i := range list {
		from := &list[i]
		p := wgpeer.Peer{Key: from.PublicKey.String(), Tx: uint64(from.TransmitBytes), Rx: uint64(from.ReceiveBytes)}
		if t := from.LastHandshakeTime; t.UnixNano() > 0 {
			p.LastHandshake = t.UTC()
		}
		if from.Endpoint != nil {
			p.SetEndpoint(from.Endpoint.AddrPort())
		}
		for _, n := range from.AllowedIPs {
			if prefix, ok := toPrefix(n.IP, n.Mask); ok {
				p.Allowed = append(p.Allowed, prefix)
			}
		}
		peers[i] = p
	}
	return peers
}

// denied returns the error of wgctrl for an interface. Without privilege the kernel gives the same
// error for interfaces of any kind.
func denied(name string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("reading the configuration of WireGuard needs access to the socket of its process: %w", err)
	}
	if kind(name) != "wireguard" {
		return fs.ErrNotExist
	}
	return fmt.Errorf("reading the configuration of WireGuard needs the capability CAP_NET_ADMIN: %w", err)
}

// kind returns the kind of an interface, such as "wireguard", or "" if it has none.
func kind(name string) string {
	itf, err := net.InterfaceByName(name)
	if err != nil {
		return ""
	}
	conn, err := rtnetlink.Dial(nil)
	if err != nil {
		return ""
	}
	defer conn.Close()
	link, err := conn.Link.Get(uint32(itf.Index))
	if err != nil || link.Attributes == nil || link.Attributes.Info == nil {
		return ""
	}
	return link.Attributes.Info.Kind
}

// absentError is the error for an interface that does not exist.
type absentError struct{}

func (absentError) Error() string { return "no such network interface" }

func (absentError) Is(target error) bool { return target == fs.ErrNotExist }

// findInterface returns the interface with the given name. The error is an absentError, or that of a system call.
func findInterface(name string) (*net.Interface, error) {
	itf, err := net.InterfaceByName(name)
	if _, failed := errors.AsType[unix.Errno](err); err != nil && !failed {
		return nil, absentError{}
	}
	return itf, err
}

// addressesAndRoutes returns the addresses of an interface with their networks and, if withRoutes is
// set, the destinations of the routes to it in all routing tables.
func addressesAndRoutes(name string, withRoutes bool) (addrs, routes []netip.Prefix, err error) {
	itf, err := findInterface(name)
	if err != nil {
		return nil, nil, err
	}
	conn, err := rtnetlink.Dial(nil)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	conn.SetOption(netlink.GetStrictCheck, true) // the kernel filters, where it can
	list, err := conn.Address.List()
	if err != nil {
		return nil, nil, err
	}
	for _, a := range list {
		if int(a.Index) != itf.Index || a.Attributes == nil {
			continue
		}
		ip, bits := a.Attributes.Address, int(a.PrefixLength)
		if local := a.Attributes.Local; local != nil && !local.Equal(ip) {
			ip, bits = local, 8*len(local) // the prefix is that of the other end
		}
		if addr, ok := netip.AddrFromSlice(ip); ok {
			addrs = append(addrs, netip.PrefixFrom(addr.Unmap(), bits))
		}
	}
	if !withRoutes {
		return addrs, nil, nil
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		to := rtnetlink.RouteAttributes{OutIface: uint32(itf.Index)}
		list, err := conn.Route.ListMatch(&rtnetlink.RouteMessage{Family: family, Attributes: to})
		if err != nil {
			return nil, nil, err
		}
		for i := range list {
			if prefix, ok := routeTo(&list[i], itf.Index); ok {
				routes = append(routes, prefix)
			}
		}
	}
	return addrs, routes, nil
}

// routeTo returns the destination of a route if the route leads to the interface.
func routeTo(r *rtnetlink.RouteMessage, index int) (netip.Prefix, bool) {
	leads := int(r.Attributes.OutIface) == index
	for _, hop := range r.Attributes.Multipath {
		leads = leads || int(hop.Hop.IfIndex) == index
	}
	if !leads || r.Type != unix.RTN_UNICAST {
		return netip.Prefix{}, false
	}
	dst, ok := netip.AddrFromSlice(r.Attributes.Dst)
	switch {
	case ok:
		dst = dst.Unmap()
	case r.Family == unix.AF_INET:
		dst = netip.IPv4Unspecified()
	default:
		dst = netip.IPv6Unspecified()
	}
	return netip.PrefixFrom(dst, int(r.DstLength)), true
}

func toPrefix(ip net.IP, mask net.IPMask) (netip.Prefix, bool) {
	addr, ok := netip.AddrFromSlice(ip)
	bits, _ := mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits), ok
}
