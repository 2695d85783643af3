package kerneltest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
	"github.com/go-netlog/netlog/wgtun"
	"github.com/go-netlog/netlog/wgtun/internal/tally"
	"github.com/go-netlog/netlog/wgtun/internal/wgconf"
)

// config configures a child, which is a node, or the outside if Private is empty.
type config struct {
	Name         string
	Private      string         // WireGuard key
	Addrs        []netip.Prefix // in the tunnel
	Peer         wgconf.Peer
	KernelRoutes []string // routes into the tunnel
	SubnetRoutes []netip.Prefix
	Collector    string // base URL; if empty, there is no Logger, and the test extracts the counters
	ID           string // the private ID of the Logger, as text
	Offload      bool   // use a TUN with a virtio header, for segmentation and receive offload
	Poll         time.Duration
}

// command is a command to a child.
type command struct {
	Op      string              // move, state, down, stop, records, extract, step
	Traffic traffictest.Traffic // of move
	Step    step                // of step
}

// answer is the answer to a command, which decides what fields are set.
type answer struct {
	Err     string
	Tally   tunstats.Counts // packets that passed through the tun
	Kernel  tunstats.Counts // packets of the interface, as counted by the kernel
	Records []received
	Flows   []record.ConnectionCounts // extracted from the device
}

func TestMain(m *testing.M) {
	text := os.Getenv(childEnv)
	if text == "" {
		os.Exit(m.Run())
	}
	var cfg config
	err := json.Unmarshal([]byte(text), &cfg)
	switch {
	case err != nil:
	case cfg.Private == "":
		err = runOutside()
	default:
		err = runNode(cfg)
	}
	if err != nil {
		fmt.Println(`{"Err":` + strconv.Quote(err.Error()) + `}`)
		os.Exit(1)
	}
}

// node is a small WireGuard daemon with flow logs.
type node struct {
	cfg     config
	tally   *tally.Tun
	gate    *gate
	wrapped *wgtun.Device
	dev     *device.Device
	logger  *netlog.Logger
	sockets sockets
}

func runNode(cfg config) error {
	n := &node{cfg: cfg, sockets: make(sockets)}
	inner, err := createTun(cfg.Offload)
	if err != nil {
		return fmt.Errorf("tun: %w", err)
	}
	n.tally = &tally.Tun{Device: newSteadyTun(inner)}
	n.gate = newGate(n.tally)
	n.wrapped = wgtun.Wrap(n.gate)
	n.dev = device.NewDevice(n.wrapped, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, cfg.Name+": "))
	defer n.dev.Close()
	if err := n.dev.IpcSet(wgconf.Device(cfg.Private, wireguardPort, cfg.Peer)); err != nil {
		return err
	}
	// Begin counting before the interface is up, while the counters of the kernel are zero.
	if err := n.startCounting(); err != nil {
		return err
	}
	if err := n.configureInterface(); err != nil {
		return err
	}
	stop, err := traffictest.Serve()
	if err != nil {
		return err
	}
	defer stop()
	return serveCommands(n.do)
}

// createTun creates the interface. wireguard-go always requests a virtio header. Without offload,
// createTun opens a tun without that header, on which the kernel counts each packet.
func createTun(offload bool) (tun.Device, error) {
	if offload {
		return tun.CreateTUN(deviceName, device.DefaultMTU)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	ifr, err := unix.NewIfreq(deviceName)
	if err != nil {
		return nil, err
	}
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		return nil, err
	}
	return tun.CreateTUNFromFile(os.NewFile(uintptr(fd), "/dev/net/tun"), device.DefaultMTU)
}

// steadyTun hides the state of the interface from wireguard-go. wireguard-go checks it once a second.
// If it saw the interface before it was up, it would end all sessions a little later, and packets
// would be lost in some runs only.
type steadyTun struct {
	tun.Device
	events chan tun.Event
}

func newSteadyTun(inner tun.Device) *steadyTun {
	s := &steadyTun{inner, make(chan tun.Event)}
	go func() {
		for range inner.Events() {
		}
		close(s.events)
	}()
	return s
}

func (s *steadyTun) Events() <-chan tun.Event { return s.events }

func (n *node) startCounting() error {
	if n.cfg.Collector == "" {
		n.wrapped.SetStatisticsEnabled(true)
		return nil
	}
	id, err := logtail.ParsePrivateID(n.cfg.ID)
	if err != nil {
		return err
	}
	routes, err := wgtun.Routes(n.dev, n.cfg.Addrs...)
	if err != nil {
		return err
	}
	routes.SubnetRoutes = n.cfg.SubnetRoutes
	n.logger = &netlog.Logger{
		Upload:     logtail.Config{BaseURL: n.cfg.Collector, AllowInsecure: true},
		Underlay:   wgtun.Underlay(n.dev),
		NodeID:     n.cfg.Name,
		PollPeriod: n.cfg.Poll,
	}
	return n.logger.Startup(id, logtail.PrivateID{}, n.wrapped, routes)
}

func (n *node) configureInterface() error {
	// Without an address of its own, the kernel solicits no routers, as it would do for seconds.
	if err := runIP("link", "set", deviceName, "addrgenmode", "none"); err != nil {
		return err
	}
	// In this order, and without duplicate address detection, an IPv6 address can be a source
	// immediately. It becomes a destination a little later.
	if err := runIP("link", "set", deviceName, "up"); err != nil {
		return err
	}
	for _, a := range n.cfg.Addrs {
		args := []string{"addr", "add", a.String(), "dev", deviceName}
		if a.Addr().Is6() {
			args = append(args, "nodad")
		}
		if err := runIP(args...); err != nil {
			return err
		}
	}
	for _, a := range n.cfg.Addrs {
		if err := waitLocal(a.Addr()); err != nil {
			return err
		}
	}
	for _, r := range n.cfg.KernelRoutes {
		if err := runIP("route", "add", r, "dev", deviceName); err != nil {
			return err
		}
	}
	return n.dev.Up()
}

// waitLocal waits until the kernel accepts packets to a.
func waitLocal(a netip.Addr) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		out, err := exec.Command("ip", "route", "get", a.String()).Output()
		if err == nil && strings.HasPrefix(string(out), "local ") {
			return nil
		}
	}
	return fmt.Errorf("%v does not become an address of this host", a)
}

func runIP(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (n *node) do(cmd command) (answer, error) {
	var err error
	var flows []record.ConnectionCounts
	switch cmd.Op {
	case "step":
		err = n.step(cmd.Step)
	case "extract":
		for t, c := range n.wrapped.ExtractStatistics() {
			flows = append(flows, record.ConnectionCounts{Tuple: t, Counts: c})
		}
	case "move":
		err = cmd.Traffic.Move()
	case "down":
		err = runIP("link", "set", deviceName, "down")
	case "stop":
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err = n.logger.Shutdown(ctx)
		cancel()
	}
	a := answer{Tally: n.tally.Counts(), Kernel: kernelCounts(), Flows: flows}
	return a, err
}

// kernelCounts reads the counters of the interface. Tx is what the host transmits and wireguard-go
// reads.
func kernelCounts() (c tunstats.Counts) {
	for name, n := range map[string]*uint64{
		"tx_packets": &c.TxPackets, "tx_bytes": &c.TxBytes,
		"rx_packets": &c.RxPackets, "rx_bytes": &c.RxBytes,
	} {
		text, _ := os.ReadFile("/sys/class/net/" + deviceName + "/statistics/" + name)
		*n, _ = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	}
	return c
}
