package clitest

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode"

	qt "github.com/frankban/quicktest"
)

// hostile is text that moves the cursor, rings the bell, changes the direction of the text, and
// begins a new line.
const hostile = "\x1b[2J\x07\u009b1m\x7f\u202e\r\nforged: all is well"

// HostileRecords returns the records of two nodes that differ in everything that verify compares, with
// hostile text in all strings and zones. It also returns lines that are not records.
func HostileRecords(t *testing.T) string {
	t.Helper()
	node := func(id string) map[string]any {
		return map[string]any{
			"nodeId": id, "name": hostile, "os": hostile, "user": hostile, "tags": []string{hostile, hostile},
			"addresses": []string{"fe80::1%" + hostile, "fe80::2%" + hostile},
		}
	}
	flow := func(src, dst, tx, rx string) map[string]any {
		return map[string]any{"proto": 6, "src": src, "dst": dst, tx: 100, rx: 100}
	}
	record := func(id string, seq int, changes map[string]any) map[string]any {
		const a, b = "[fe80::1%" + hostile + "]:1", "[fe80::2%" + hostile + "]:2"
		rec := map[string]any{
			"logtail": map[string]any{
				"id": id, "proc_id": 1, "proc_seq": seq, "client_time": "2026-11-22T10:00:05Z", "server_time": "2026-11-22T10:00:06Z",
				"error": hostile, hostile: hostile,
			},
			"nodeId": hostile, "start": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:00:05Z", hostile: hostile,
			"srcNode": node(hostile + id), "dstNodes": []any{node(hostile)},
			"virtualTraffic":  []any{flow(a, b, "txPkts", "rxBytes"), flow(b, "[fe80::3%"+hostile+"]:0", "txPkts", "txBytes")},
			"subnetTraffic":   []any{flow(b, "[fe80::4%"+hostile+"]:0", "rxPkts", "rxBytes")},
			"exitTraffic":     []any{flow("[fe80::5%"+hostile+"]:0", a, "rxPkts", "rxBytes"), map[string]any{"txPkts": 1}},
			"physicalTraffic": []any{flow(a, b, "txPkts", "rxPkts")},
		}
		maps.Copy(rec, changes)
		return rec
	}
	var lines strings.Builder
	enc := json.NewEncoder(&lines) // does not escape C1 and U+202E
	for _, rec := range []map[string]any{
		record(strings.Repeat("ab", 32), 1, nil), record(strings.Repeat("cd", 32), 1, nil),
		record(hostile, 1, nil), record(hostile, 1, map[string]any{"text": hostile}), record(hostile, 9, map[string]any{"nodeId": "n" + hostile}),
		record(hostile, 10, map[string]any{"start": hostile}), record(hostile, 11, map[string]any{"end": "2026-11-21T10:00:00Z"}),
		record(hostile, 12, map[string]any{"exitTraffic": []any{flow(hostile+":1", "", "txPkts", "rxPkts")}}),
		record(hostile, 13, map[string]any{"exitTraffic": []any{flow("", "[fe80::1%"+hostile+":1", "txPkts", "rxPkts")}}),
		record(hostile, 14, map[string]any{"droppedEntries": hostile}), record(hostile, 15, map[string]any{"dstNodes": hostile}),
	} {
		qt.Assert(t, enc.Encode(rec), qt.IsNil)
	}
	return lines.String() + "\x1b[2J\u009b \u202e}\n{\"logtail\":{},\"start\":\"\x1b\u009b\u202e\"}\n"
}

// CheckHarmless checks that out cannot move the cursor of a terminal, and does not contain the line
// that HostileRecords try to forge. what names the output in errors.
func CheckHarmless(t *testing.T, what, out string) {
	t.Helper()
	isHostile := func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || r == '\u202e' || r == unicode.ReplacementChar
	}
	if i := strings.IndexFunc(out, isHostile); i >= 0 {
		t.Errorf("%s prints %+q", what, out[max(0, i-60):min(len(out), i+20)])
	}
	qt.Check(t, out, qt.Not(qt.Contains), "\nforged", qt.Commentf("%s", what))
}
