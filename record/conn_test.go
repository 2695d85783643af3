package record_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
	"github.com/go-netlog/netlog/tunstats"
)

// windows returns the windows of a flow. Each is written as "TX/RX", the flags that both sides have
// sent as letters: "." for packets without flags, "D" for those with data, and "" for nothing.
func windows(s string) (ws []tunstats.Counts) {
	for w := range strings.FieldsSeq(s) {
		tx, rx, _ := strings.Cut(w, "/")
		var c tunstats.Counts
		c.TxPackets, c.TxBytes, c.TxFlags = sent(tx)
		c.RxPackets, c.RxBytes, c.RxFlags = sent(rx)
		ws = append(ws, c)
	}
	return ws
}

func sent(s string) (packets, bytes uint64, flags tunstats.TCPFlags) {
	bytes = uint64(len(s)) * 40
	for _, letter := range s {
		switch letter {
		case 'D':
			bytes += 1400
		case 'F':
			flags |= tunstats.FIN
		case 'S':
			flags |= tunstats.SYN
		case 'R':
			flags |= tunstats.RST
		case 'A':
			flags |= tunstats.ACK
		}
	}
	return uint64(len(s)), bytes, flags
}

func TestConn(t *testing.T) {
	for _, tt := range []struct {
		name    string
		windows string
		want    string // the initiator, the state, and from which side it is shown
	}{
		{"no packets", "", "unknown unknown unknown"},
		{"an empty window", "/", "unknown unknown unknown"},

		// One entry.
		{"established", "S/SA", "src established src"},
		{"established, by the other side", "SA/S", "dst established dst"},
		{"unanswered", "S/", "src unanswered src"},
		{"unanswered, by the other side", "/S", "dst unanswered dst"},
		{"SYN, and RST against an answer that took another path", "SR/", "src unknown src"},
		{"SYN, and data for one that answers on another path", "SDDD/", "src unknown src"},
		{"SYN, and data for one that sends RST", "SDDD/R", "src unknown src"},
		{"RST, with the data of one that answered on another path", "S/DDDR", "unknown unknown unknown"},
		{"refused", "S/R", "src refused src"},
		{"refused by this side", "R/S", "dst refused dst"},
		{"refused, and reset by the client", "SR/R", "src refused src"},
		{"closed by both", "SF/SAF", "src closed src"},
		{"half-closed", "SF/SA", "src closed src"},
		{"half-closed by the server", "S/SAF", "src closed src"},
		{"reset by the server", "S/SAR", "src reset src"},
		{"reset by the client, as a scan does", "SR/SA", "src reset src"},
		{"one FIN and RST", "SF/SAR", "src reset src"},
		{"two FINs and RST", "SFR/SAF", "src closed src"},

		// One entry of a flow that began earlier, or is not TCP.
		{"no flags, both ways", "./.", "unknown unknown unknown"},
		{"no flags, sent alone", "./", "unknown unknown src"},
		{"no flags, received alone", "/.", "unknown unknown dst"},
		{"closed by both at last", "F/F", "unknown closed unknown"},
		{"FIN alone", "F/", "unknown closed src"},
		{"reset at last", "./R", "unknown reset unknown"},
		{"RST alone may refuse or reset", "/R", "unknown unknown dst"},
		{"the SYN was earlier", "./SA", "unknown established unknown"},
		{"SYN and ACK alone", "/SA", "unknown unknown dst"},
		{"ACK alone is not counted", "A/A", "unknown unknown unknown"},

		// One entry that shows more than one connection.
		{"simultaneous open", "SA/SA", "unknown established unknown"},
		{"two SYNs that crossed", "S/S", "unknown unknown unknown"},
		{"SYN, answered by an earlier connection", "S/.", "unknown unknown unknown"},
		{"SYN, and FIN of an earlier connection", "SF/R", "unknown unknown unknown"},
		{"SYN, and packets and RST of an earlier connection", "S/. /R", "unknown unknown unknown"},
		{"SYN, and both FINs of an earlier connection", "SF/F", "unknown unknown unknown"},

		// Many windows.
		{"answered in the next window", "S/ /SA", "src established src"},
		{"answered late", "S/ S/ S/SA ./.", "src established src"},
		{"seen by the server", "/S SA/S SA/", "dst established dst"},
		{"SYN and ACK repeated with the SYN", "SA/S SA/S ./.", "dst established dst"},
		{"refused in the next window", "S/ /R", "src refused src"},
		{"refused again and again", "S/R S/R S/R", "src refused src"},
		{"never answered", "S/ S/ S/", "src unanswered src"},
		{"data in the next window, answered on another path", "S/ DDD/", "src unknown src"},
		{"RST in the next window, answered on another path", "S/ R/", "src unknown src"},
		{"data with the SYN, and more of it later", "SDDD/SA DDD/.", "src established src"},
		{"many windows", "S/SA ./. ./. ./.", "src established src"},
		{"closed at the end", "S/SA ./. F/ /F ./", "src closed src"},
		{"half-closed for long", "S/SA F/. ./. ./.", "src closed src"},
		{"reset at the end", "S/SA ./. ./. /R", "src reset src"},
		{"the last acknowledgment comes later", "S/SA F/F ./", "src closed src"},
		{"data on the way when the RST came", "S/SA ./R ./ ./R", "src reset src"},
		{"a late RST of a closed connection", "S/SA F/F R/", "src closed src"},
		{"closed at once, the last acknowledgments come later", "S/SA F/F ./.", "src closed src"},
		{"closed at once, the last acknowledgments come later, and RST", "S/SA F/F ./. R/.", "src closed src"},
		{"a late SYN, which the server acknowledges", "S/SA ./. S/. ./.", "src established src"},
		{"a late SYN, which the server acknowledges, among data", "SA/S DDD/SDDD ./.", "dst established dst"},
		{"a late SYN, and FIN", "S/SA S/. F/F", "src closed src"},
		{"began before the first window", "./. ./. F/F", "unknown closed unknown"},
		{"began before the first window, reset", "./. /R", "unknown reset unknown"},
		{"silent between", "S/SA / ./. /", "src established src"},
		{"sent first", "./ ./. /.", "unknown unknown src"},
		{"received first", "/. ./.", "unknown unknown dst"},
		{"both sent first", "./. ./", "unknown unknown unknown"},
		{"simultaneous open over two windows", "S/S SA/SA ./.", "unknown established unknown"},
		{"the SYN and ACK was in a record that is missing", "S/ ./.", "unknown unknown src"},

		// A port used again.
		{"both closed", "SF/SAF SF/SAF", "src closed src"},
		{"closed, then established", "SF/SAF S/SA", "src unknown src"},
		{"closed, then established, then closed", "SF/SAF S/SA F/F", "src unknown src"},
		{"refused, then established", "S/R S/SA", "src unknown src"},
		{"established, then unanswered", "S/SA ./. S/", "src unknown src"},
		{"within a window", "S/SA SF/SAF", "src unknown src"},
		{"within a window, after a reset", "SR/SA ./.", "src unknown src"},
		{"within a window, after a reset by the other side", "S/SAR ./.", "src unknown src"},
		{"within a window, after a close, with data", "SF/SAF ./D", "src unknown src"},
		{"within a window, after a close, with data one way", "SF/SAF D/", "src unknown src"},
		{"within a window, after a close, with data and a reset", "SF/SAF D/R", "src unknown src"},
		{"within a window, after a close, with little data", "SF/SAF ./. ./.", "src unknown src"},
		{"within a window, after a close, with little data, after a while", "SF/SAF ./. ./ ./.", "src unknown src"},
		{"within a window, after a close, and closed again", "SF/SAF DF/DF ./.", "src closed src"},
		{"closed, then a SYN beside a late acknowledgment", "S/SA F/F S/. ./SA", "src unknown src"},
		{"established, then reset for a new SYN", "S/SA SR/.", "src unknown src"},
		{"after a simultaneous open, beside late packets", "SA/SA S/.", "unknown unknown unknown"},
		{"refused, then a SYN with packets", "S/R S/.", "unknown unknown unknown"},
		{"after a connection whose beginning was not seen", "./. S/SA", "unknown unknown unknown"},
		{"both closed, the first one's beginning not seen", "F/F SF/SAF", "unknown closed unknown"},
		{"by the other side", "SF/SAF SAF/SF", "unknown closed unknown"},
		{"SYN of both sides", "S/SA ./S", "unknown unknown unknown"},
		{"SYN and ACK of both sides", "S/SA SA/", "unknown established unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := record.ConnOf(windows(tt.windows)...)
			qt.Check(t, story(c), qt.Equals, tt.want)

			var ws []tunstats.Counts
			for _, w := range windows(tt.windows) {
				ws = append(ws, record.ConnectionCounts{Counts: w}.Reverse().Counts)
			}
			qt.Check(t, record.ConnOf(ws...), qt.Equals, c.Reverse())
			qt.Check(t, c.Reverse().Initiator(), qt.Equals, c.Initiator().Reverse())
			qt.Check(t, c.Reverse().Source(), qt.Equals, c.Source().Reverse())
			qt.Check(t, c.Reverse().State(), qt.Equals, c.State())
		})
	}
}

func story(c record.Conn) string { return fmt.Sprint(c.Initiator(), c.State(), c.Source()) }

// TestConnJoin: two routers of a subnet, one for each direction.
func TestConnJoin(t *testing.T) {
	there, back := record.ConnOf(windows("S/ ./ ./")...), record.ConnOf(windows("/SA /. /.")...)
	qt.Check(t, story(there), qt.Equals, "src unknown src")
	for _, c := range []record.Conn{there.Join(back), back.Join(there)} {
		qt.Check(t, story(c), qt.Equals, "src established src")
	}
	qt.Check(t, story(record.ConnOf(windows("./")...).Join(record.ConnOf(windows("/.")...))), qt.Equals, "unknown unknown unknown")
	for _, c := range []record.Conn{record.ConnOf(windows("S/")...), record.ConnOf(windows("S/SA ./.")...)} {
		qt.Check(t, story(c.Join(record.ConnOf(windows("S/SA")...))), qt.Equals, "src established src", qt.Commentf("the SYN was sent again"))
	}
	qt.Check(t, story(record.ConnOf(windows("SF/SAF")...).Join(record.ConnOf(windows("S/SA")...))), qt.Equals, "src unknown src")
	for _, again := range []string{"./. S/SA", "S/SA SF/SAF"} {
		c := record.ConnOf(windows(again)...)
		qt.Check(t, story(there.Join(c)), qt.Equals, fmt.Sprint(c.Initiator(), " unknown ", c.Initiator()), qt.Commentf("%s", again))
	}
	closed, acknowledged := record.ConnOf(windows("SF/SAF")...), record.ConnOf(windows("SF/SAF ./.")...)
	qt.Check(t, closed.Join(acknowledged), qt.Equals, acknowledged)
	qt.Check(t, acknowledged.Join(closed), qt.Equals, acknowledged)
	qt.Check(t, there.Join(record.Conn{}), qt.Equals, there)
	qt.Check(t, record.Conn{}.Join(there), qt.Equals, there)
}

func TestConnOrient(t *testing.T) {
	const src, dst = "UDP 10.0.0.1:5 -> 10.0.0.2:6", "UDP 10.0.0.2:6 -> 10.0.0.1:5"
	for _, tt := range []struct{ name, windows, want string }{
		{"sent alone", "../", src + " tx 2/80 rx 0/0"},
		{"received alone", "/..", dst + " tx 2/80 rx 0/0"},
		{"both sent first", "./..", src + " tx 1/40 rx 2/80"},
		{"received first", "/.. ./", dst + " tx 2/80 rx 1/40"},
		{"began", "S/SA", src + " tx 1/40 S rx 2/80 SA"},
		{"began by the other side", "SA/S", dst + " tx 1/40 S rx 2/80 SA"},
		{"received first, and began", "/S SA/S", dst + " tx 2/80 S rx 2/80 SA"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := record.ConnectionCounts{Tuple: flowtrack.Tuple{
				Proto: flowtrack.UDP, Src: netip.MustParseAddrPort("10.0.0.1:5"), Dst: netip.MustParseAddrPort("10.0.0.2:6"),
			}}
			for _, w := range windows(tt.windows) {
				f.Counts = f.Counts.Add(w)
			}
			c := record.ConnOf(windows(tt.windows)...)
			qt.Check(t, fmt.Sprint(c.Orient(f)), qt.Equals, tt.want)
			if c.Source() != record.SideUnknown {
				qt.Check(t, c.Reverse().Orient(f.Reverse()), qt.Equals, c.Orient(f))
			}
		})
	}
	f := record.ConnectionCounts{
		Tuple:  flowtrack.Tuple{Src: netip.MustParseAddrPort("10.0.0.1:5"), Dst: netip.MustParseAddrPort("10.0.0.2:6")},
		Counts: windows("/.")[0],
	}
	qt.Check(t, record.Conn{}.Orient(f), qt.Equals, f.Reverse(), qt.Commentf("the counts decide"))
	qt.Check(t, record.ConnOf(windows("S/SA")...).Orient(f), qt.Equals, f, qt.Commentf("who began counts first"))
	for _, hide := range []func(*record.ConnectionCounts){
		func(f *record.ConnectionCounts) { f.Src = netip.AddrPort{} }, func(f *record.ConnectionCounts) { f.Dst = netip.AddrPort{} },
	} {
		total := f
		hide(&total)
		qt.Check(t, record.ConnOf(f.Counts).Orient(total), qt.Equals, total)
	}
}

func TestConnStrings(t *testing.T) {
	qt.Check(t, fmt.Sprint(record.SideUnknown, record.SideSrc, record.SideDst, record.Side(9)), qt.Equals, "unknown src dst ?")
	qt.Check(t, fmt.Sprint(record.StateUnanswered, record.StateReset, record.State(9)), qt.Equals, "unanswered reset ?")
}

func ExampleConn() {
	var c record.Conn
	for _, window := range []tunstats.Counts{
		{TxPackets: 1, TxBytes: 60, TxFlags: tunstats.SYN},
		{TxPackets: 9, TxBytes: 900, RxPackets: 8, RxBytes: 4000, RxFlags: tunstats.SYN | tunstats.ACK},
		{TxPackets: 2, TxBytes: 80, RxPackets: 2, RxBytes: 80, TxFlags: tunstats.FIN, RxFlags: tunstats.FIN},
	} {
		c = c.Add(window)
		fmt.Println(c.Initiator(), c.State())
	}
	// Output:
	// src unanswered
	// src established
	// src closed
}

func ExampleConn_Orient() {
	f := record.ConnectionCounts{ // as the server reports it
		Tuple: flowtrack.Tuple{
			Proto: flowtrack.TCP, Src: netip.MustParseAddrPort("10.0.0.3:22"), Dst: netip.MustParseAddrPort("10.0.0.2:4000"),
		},
		Counts: tunstats.Counts{TxPackets: 1, TxBytes: 40, RxPackets: 1, RxBytes: 60, TxFlags: tunstats.RST, RxFlags: tunstats.SYN},
	}
	c := record.ConnOf(f.Counts)
	fmt.Println(c.Orient(f), c.State())
	// Output:
	// TCP 10.0.0.2:4000 -> 10.0.0.3:22 tx 1/60 S rx 1/40 R refused
}
