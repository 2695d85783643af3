package examples_test

import (
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestClickHouse inserts the lines of a store with and without a hostile node: as strings, which tail/vector.toml sends,
// as an array, which the uploader sends, and from the files.
func TestClickHouse(t *testing.T) {
	modules := engines(t, "chdb")
	stores(t, time.Now(), func(t *testing.T, dir string, lines []string) {
		out := clickhouse(t, modules, `
			run("INSERT INTO netlog.records FORMAT JSONEachRow " + input.lines.map(entry => JSON.stringify({entry})).join("\n"));
			run("INSERT INTO netlog.records FORMAT JSONAsString [" + input.lines.join(",") + "]");
			all(input.load);
		`, map[string]any{"lines": lines, "load": pathOf(t, readText(t, "clickhouse/load.sql"), dir)})
		qt.Check(t, out, qt.DeepEquals, clickhouseRows)
	})
}

// TestClickHouseInbox sends the bodies of nodes, with arrays, as handlers.xml does.
func TestClickHouseInbox(t *testing.T) {
	modules := engines(t, "chdb")
	now := time.Now()
	var bodies [][2]string
	for _, s := range append(hostile(now), honest(now)...) {
		id, err := privateID(s.node).MarshalText()
		qt.Assert(t, err, qt.IsNil)
		bodies = append(bodies, [2]string{string(id), "[" + s.entry + "]"})
	}
	out := clickhouse(t, modules, `
		for (let i = 0; i < 2; i++) {
			const values = input.bodies.map(([id, body]) =>
				"(lower(hex(SHA256(unhex('" + id + "')))), '" + body.replace(/\\/g, "\\\\").replace(/'/g, "\\'") + "')");
			run("INSERT INTO netlog.inbox VALUES " + values.join(","));
		}
	`, map[string]any{"bodies": bodies})
	qt.Check(t, out, qt.DeepEquals, clickhouseRows)
}

// clickhouse creates the tables, runs insert, which is JavaScript, and returns the rows of the honest nodes.
func clickhouse(t *testing.T, modules, insert string, input map[string]any) []string {
	honest := "WHERE node IN ('" + publicID('a') + "', '" + publicID('b') + "') "
	input["files"] = []string{readText(t, "clickhouse/schema.sql"), readText(t, "clickhouse/inbox.sql")}
	input["queries"] = []string{
		"SELECT version()",
		"SELECT class, proto, src, dst, tx_pkts, tx_bytes, rx_pkts, rx_bytes, tx_flags, rx_flags FROM netlog.flows FINAL " + honest +
			"ORDER BY node, class, place, tx_pkts",
		"SELECT node, proc_id, proc_seq, toUnixTimestamp64Nano(start) % 1000, text, dropped_entries, dropped_bytes FROM netlog.entries FINAL " + honest + "ORDER BY node, proc_seq",
		strings.Replace(readText(t, "clickhouse/top.sql"), "WHERE class", "WHERE src NOT LIKE '203.%' AND src LIKE '1%' AND dst LIKE '1%' AND class", 1),
		strings.NewReplacer("'NODE'", "'"+publicID('a')+"'", "SELECT\n    start,", "SELECT").Replace(readText(t, "clickhouse/refused.sql")),
		"SELECT * FROM netlog.names " + honest + "ORDER BY ALL",
		"SELECT * REPLACE (toMinute(since) AS since, toMinute(until) AS until) FROM (" +
			strings.Replace(readText(t, "clickhouse/sessions.sql"), "'NODE'", "'"+publicID('a')+"'", 1) + ")",
	}
	out := node(t, modules, `
		const { Session } = require("chdb");
		const s = new Session();
		const run = (sql, format) => s.query(sql, format);
		const all = file => file.replace(/--.*$/gm, "").split(";").filter(q => q.trim()).forEach(q => run(q));
		input.files.forEach(all);
		`+insert+`
		for (const q of input.queries)
			console.log(run(q.replace(/--.*$/gm, "").replace(";", ""), "JSONCompactEachRow").trim().replace(/\n/g, ","));
		s.close();
	`, input)
	version, rest, _ := strings.Cut(out, "\n")
	t.Logf("ClickHouse engine %s", version)
	return strings.Split(strings.TrimSpace(letters(rest)), "\n")
}

// clickhouseRows has the rows of the honest nodes, a line for each query.
var clickhouseRows = []string{
	`["denied", 6, "100.64.0.1:23", "100.64.0.9:999", 0, 0, 1, 60, 0, 2],` +
		`["exit", 0, "", "", 3, 18446744073709551615, 0, 18446744073709551615, 0, 0],` +
		`["subnet", 17, "100.64.0.1:5000", "192.168.1.1:53", 18446744073709551615, 18446744073709551615, 18446744073709551615, 18446744073709551615, 0, 0],` +
		`["virtual", 6, "100.64.0.1:4000", "100.64.0.2:22", 2, 200, 2, 100, 2, 18],` +
		`["virtual", 6, "100.64.0.1:4000", "100.64.0.2:22", 9, 9000, 0, 0, 0, 0],` +
		`["virtual", 6, "100.64.0.1:4001", "100.64.0.2:81", 1, 60, 1, 40, 2, 4],` +
		`["virtual", 6, "100.64.0.2:22", "100.64.0.1:4000", 2, 100, 2, 190, 18, 2],` +
		`["virtual", 6, "100.64.0.2:81", "100.64.0.1:4001", 1, 40, 1, 60, 4, 2]`,
	`["a", 7, 1, 1, "", 0, 0],` +
		`["a", 7, 2, 0, "logtail: 3 entries were dropped before they could be delivered", 3, 18446744073709551615],` +
		`["a", 7, 3, 1, "", 0, 0],["a", 7, 4, 0, "", 0, 0],["a", 7, 5, 0, "", 0, 0],["a", 7, 6, 0, "", 0, 0],["a", 7, 7, 0, "", 0, 0],["b", 8, 18446744073709551615, 1, "", 0, 0]`,
	`[17, "100.64.0.1:5000", "192.168.1.1:53", 36893488147419103230],[6, "100.64.0.1:4000", "100.64.0.2:22", 300],[6, "100.64.0.1:4001", "100.64.0.2:81", 100]`,
	`["peer", "virtual", 6, "100.64.0.1:4001", "100.64.0.2:81"],["filter", "denied", 6, "100.64.0.9:999", "100.64.0.1:23"]`,
	`["a", "100.64.0.1", "alpha", "a"],["a", "100.64.0.2", "beta", "b"]`,
	`["beta", "k2", "100.64.0.2", "192.0.2.7:1", 1, 2],["beta", "k2", "100.64.0.2", "192.0.2.7:2", 2, 3],["beta", "k2", "100.64.0.2", "192.0.2.7:2", 4, 0]`,
}
