package format

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/cmd/netlog/internal/cli"
	"github.com/go-netlog/netlog/cmd/netlog/internal/clitest"
	"github.com/go-netlog/netlog/internal/flowtable"
)

// peerEvent returns an entry of a node. The times are clock times of one day; handshake may be empty.
func peerEvent(node string, seq int, at, name, endpoint, state, handshake string) string {
	more := ""
	if endpoint != "" {
		more += fmt.Sprintf(`,"endpoint":%q`, endpoint)
	}
	if handshake != "" {
		more += fmt.Sprintf(`,"lastHandshake":"2026-11-22T%sZ"`, handshake)
	}
	entry := fmt.Sprintf(`{"logtail":{"id":%q,"proc_id":1,"proc_seq":%d,"client_time":"2026-11-22T%sZ"},"event":"peer","peer":{"publicKey":%q,"name":%q,"address":"10.0.0.2","state":%q%s}}`,
		node, seq, at, "key-of-"+name, name, state, more) + "\n"
	return strings.ReplaceAll(entry, `\x1b`, `\u001b`)
}

// peersOf returns the rows of netlog fmt -peers, with one space between the columns.
func peersOf(t *testing.T, in string, args ...string) (rows []string, code int, errs string) {
	t.Helper()
	code, out, errs := clitest.Run(t, run, in, append([]string{"fmt", "-peers"}, args...)...)
	for line := range strings.Lines(out) {
		rows = append(rows, strings.Join(strings.Fields(line), " "))
	}
	return rows, code, errs
}

const (
	peersHead = "since until node peer address endpoint last handshake"
	peersFoot = "connected; times in UTC, by the clocks of the nodes"
)

func TestFmtPeers(t *testing.T) {
	const day, home, cafe = "2026-11-22 ", "192.0.2.7:1", "198.51.100.1:2"
	for _, tt := range []struct {
		name, in  string
		want      []string
		connected string
	}{
		{"connected", peerEvent("n", 1, "10:00:05", "a", home, "connected", "10:00:01"),
			[]string{day + "10:00:01 connected n a 10.0.0.2 192.0.2.7:1 -"}, "1 peer"},
		{"connects, moves and goes", peerEvent("n", 1, "10:00:05", "a", home, "connected", "10:00:01") +
			peerEvent("n", 2, "11:00:00", "a", cafe, "moved", "10:59:00") +
			peerEvent("n", 3, "12:03:04", "a", cafe, "disconnected", "12:00:00"),
			[]string{
				day + "10:00:01 " + day + "11:00:00 n a 10.0.0.2 192.0.2.7:1 " + day + "10:00:01",
				day + "11:00:00 " + day + "12:03:04 n a 10.0.0.2 198.51.100.1:2 " + day + "12:00:00",
			}, "0 peers"},
		{"a duplicate", strings.Repeat(peerEvent("n", 1, "10:00:05", "a", home, "connected", "10:00:01"), 2),
			[]string{day + "10:00:01 connected n a 10.0.0.2 192.0.2.7:1 -"}, "1 peer"},
		{"the node was restarted", peerEvent("n", 1, "10:00:05", "a", home, "connected", "10:00:01") +
			peerEvent("n", 2, "11:00:00", "a", home, "connected", "10:59:00"),
			[]string{day + "10:00:01 connected n a 10.0.0.2 192.0.2.7:1 -"}, "1 peer"},
		{"the node was restarted and the peer has moved", peerEvent("n", 1, "10:00:05", "a", home, "connected", "10:00:01") +
			peerEvent("n", 2, "11:00:00", "a", cafe, "connected", "10:59:00"),
			[]string{
				day + "10:00:01 " + day + "11:00:00 n a 10.0.0.2 192.0.2.7:1 " + day + "10:00:01",
				day + "11:00:00 connected n a 10.0.0.2 198.51.100.1:2 -",
			}, "1 peer"},
		{"connected before the first record", peerEvent("n", 1, "10:00:05", "a", "", "disconnected", ""),
			[]string{"- " + day + "10:00:05 n a 10.0.0.2 - -"}, "0 peers"},
		{"two nodes and two peers", peerEvent("n", 1, "10:00:00", "a", "", "connected", "") + peerEvent("m", 1, "10:01:00", "a", "", "connected", "") +
			peerEvent("n", 2, "10:02:00", "b", "", "connected", "") + peerEvent("m", 2, "10:03:00", "a", "", "disconnected", ""),
			[]string{
				day + "10:01:00 " + day + "10:03:00 m a 10.0.0.2 - -",
				day + "10:00:00 connected n a 10.0.0.2 - -",
				day + "10:02:00 connected n b 10.0.0.2 - -",
			}, "2 peers"},
		{"hostile", peerEvent("n\x1b", 1, "10:00:00", "a\x1b[2J", "", "connected", ""),
			[]string{day + `10:00:00 connected n\x1b a\x1b[2J 10.0.0.2 - -`}, "1 peer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, code, errs := peersOf(t, tt.in)
			qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
			want := append(append([]string{peersHead}, tt.want...), tt.connected+" "+peersFoot)
			qt.Check(t, rows, qt.DeepEquals, want)
		})
	}
}

func TestFmtPeersNone(t *testing.T) {
	rows, code, _ := peersOf(t, flatRecord)
	qt.Check(t, code, qt.Equals, cli.ExitOK)
	qt.Check(t, rows, qt.DeepEquals, []string{"no sessions of peers; netlogd writes them, and daemons that call FollowPeers"})
}

func TestFmtPeersSelected(t *testing.T) {
	in := peerEvent("node1", 1, "10:00:00", "a", "", "connected", "") + peerEvent("node1", 2, "10:30:00", "a", "", "disconnected", "") +
		peerEvent("node2", 1, "11:00:00", "b", "", "connected", "")
	for args, want := range map[string]string{
		"-node a":                     "a",
		"-node key-of-b":              "b",
		"-node node2":                 "b",
		"-node 10.0.0.0/24":           "ab",
		"-since 2026-11-22T10:29:00Z": "ab",
		"-since 2026-11-22T10:31:00Z": "b",
	} {
		rows, code, errs := peersOf(t, in, strings.Fields(args)...)
		qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s: %s", args, errs))
		var got strings.Builder
		for _, row := range rows[1 : len(rows)-1] {
			fields := strings.Fields(row)
			got.WriteString(fields[len(fields)-4])
		}
		qt.Check(t, got.String(), qt.Equals, want, qt.Commentf("%s: %q", args, rows))
	}
	_, code, errs := peersOf(t, in, "-node", "nobody")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, errs, qt.Contains, "nothing matches -node nobody")
	_, code, errs = peersOf(t, in, "-max-flows", "1")
	qt.Check(t, code, qt.Equals, cli.ExitFailed)
	qt.Check(t, errs, qt.Contains, "more than 1 events of peers: give fewer files at once, select a -node, or raise -max-flows")
	for _, flag := range []string{"-json", "-class=virtual", "-state=refused", "-top=1"} {
		_, code, errs := peersOf(t, in, flag)
		qt.Check(t, code, qt.Equals, cli.ExitUsage)
		qt.Check(t, errs, qt.Contains, "is for flows, and -peers prints none")
	}
}

// TestFmtPeersOrder: what counts is when the receiver got an event, not the order of files or the clock of the node.
func TestFmtPeersOrder(t *testing.T) {
	arrived := func(at, event string) string {
		return strings.Replace(event, `"proc_id"`, `"server_time":"2026-11-22T`+at+`Z","proc_id"`, 1)
	}
	first := arrived("10:00:00", peerEvent("n", 1, "10:00:00", "a", "", "connected", ""))
	second := arrived("11:00:00", peerEvent("n", 2, "11:00:00", "a", "", "disconnected", ""))
	setBack := arrived("12:00:00", peerEvent("n", 3, "09:00:00", "a", "192.0.2.7:1", "connected", "")) +
		arrived("12:00:00", peerEvent("n", 4, "08:00:00", "a", "192.0.2.7:2", "moved", ""))
	const day = "2026-11-22 "
	for _, in := range []string{first + second + setBack, second + first + setBack, setBack + second + first} {
		rows, _, _ := peersOf(t, in)
		qt.Check(t, rows[1:len(rows)-1], qt.DeepEquals, []string{
			day + "09:00:00 " + day + "08:00:00 n a 10.0.0.2 192.0.2.7:1 -",
			day + "10:00:00 " + day + "11:00:00 n a 10.0.0.2 - -",
			day + "08:00:00 connected n a 10.0.0.2 192.0.2.7:2 -",
		})
	}
}

func TestFmtPeersUnknownState(t *testing.T) {
	in := peerEvent("n", 1, "10:00:00", "a", "192.0.2.7:1", "connected", "") + peerEvent("n", 2, "10:30:00", "a", "192.0.2.7:2", "denied", "") +
		peerEvent("n", 3, "10:30:00", "b", "", "", "")
	rows, code, _ := peersOf(t, in)
	qt.Check(t, code, qt.Equals, cli.ExitOK)
	qt.Check(t, rows[1:], qt.DeepEquals, []string{"2026-11-22 10:00:00 connected n a 10.0.0.2 192.0.2.7:1 -", "1 peer " + peersFoot})
}

// TestFmtPeersLongNames: a hostile node cannot make the table wider than the terminal, or larger than its number of events.
func TestFmtPeersLongNames(t *testing.T) {
	in := peerEvent("n", 1, "10:00:00", strings.Repeat("東", 50_000), "", "connected", "") + peerEvent("n", 2, "10:00:00", "b", "", "connected", "")
	_, out, _ := clitest.Run(t, run, in, "fmt", "-peers", "-width", "100")
	for line := range strings.Lines(out) {
		qt.Check(t, flowtable.Columns(strings.TrimSuffix(line, "\n")) <= 100, qt.IsTrue, qt.Commentf("%q", line))
	}
	qt.Check(t, out, qt.Contains, "東~")
	_, out, _ = clitest.Run(t, run, in, "fmt", "-peers")
	qt.Check(t, len(out) < 2000, qt.IsTrue, qt.Commentf("%d bytes", len(out)))
}

// TestFmtEventsBesideFlows checks that events are no records of flows, but part of the stream.
func TestFmtEventsBesideFlows(t *testing.T) {
	event := peerEvent("n", 1, "10:00:00", "a", "192.0.2.7:1", "connected", "10:00:00")
	_, out, _ := clitest.Run(t, run, event+flatRecord, "fmt")
	_, alone, _ := clitest.Run(t, run, flatRecord, "fmt")
	qt.Check(t, out, qt.Equals, alone)
	_, out, _ = clitest.Run(t, run, event, "fmt", "-json")
	qt.Check(t, out, qt.Equals, event)
	_, out, _ = clitest.Run(t, run, event, "fmt", "-json", "-since", "2026-11-22T10:00:01Z")
	qt.Check(t, out, qt.Equals, "")
	// An ordinary record with what another program added.
	foreign := strings.Replace(flatRecord, `"nodeId"`, `"event":"flow","nodeId"`, 1)
	_, out, _ = clitest.Run(t, run, foreign, "fmt")
	qt.Check(t, out, qt.Equals, alone)
}

// TestFmtExcludePeer leaves out all events of a peer that is named in any way, and its address elsewhere.
func TestFmtExcludePeer(t *testing.T) {
	in := peerEvent("n", 1, "10:00:00", "a", "192.0.2.7:1", "connected", "10:00:00") +
		`{"logtail":{"id":"n","proc_seq":2},"virtualTraffic":[{"src":"10.0.0.1:1","dst":"10.0.0.2:1","txPkts":1}]}` + "\n"
	path := filepath.Join(t.TempDir(), "in.ndjson")
	qt.Assert(t, os.WriteFile(path, []byte(in), 0o600), qt.IsNil)
	for _, word := range []string{"a", "key-of-a", "10.0.0.2", "192.0.2.7"} {
		code, out, errs := clitest.Run(t, run, "", "fmt", "-json", "-exclude", word, path)
		qt.Check(t, code, qt.Equals, cli.ExitOK, qt.Commentf("%s", errs))
		qt.Check(t, strings.Contains(out, `"event"`), qt.IsFalse, qt.Commentf("%s: %s", word, out))
		if word != "192.0.2.7" {
			qt.Check(t, strings.Contains(out, "10.0.0.2"), qt.IsFalse, qt.Commentf("%s: %s", word, out))
		}
	}
	_, out, _ := clitest.Run(t, run, "", "fmt", "-json", "-exclude", "somebody", path)
	qt.Check(t, out, qt.Contains, `"event":"peer"`)
}

func TestFmtLostPackets(t *testing.T) {
	in := `{"exitTraffic":[{"txPkts":1}],"lostPackets":18446744073709551615}` + "\n" + `{"exitTraffic":[{"txPkts":1}],"lostPackets":3}`
	_, out, _ := clitest.Run(t, run, in, "fmt")
	qt.Check(t, out, qt.Contains, "\n18446744073709551615 packets not counted: a node could not read them in time\n")
	_, out, _ = clitest.Run(t, run, `{"exitTraffic":[{"txPkts":1}]}`, "fmt")
	qt.Check(t, strings.Contains(out, "not counted"), qt.IsFalse)
}
