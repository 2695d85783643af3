package examples_test

import (
	"path/filepath"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestClickHouseKilledWhileLoading runs load.sql over a store that grows, and kills the engine in the middle of it.
// Afterwards load.sql runs twice over the same files, and all rows are there once more from another month. Each
// entry counts once, and is exact.
func TestClickHouseKilledWhileLoading(t *testing.T) {
	modules := engines(t, "chdb")
	g := grow(t)
	input := clickhouseInput(t, publicID('a'))
	input["load"] = pathOf(t, readText(t, "clickhouse/load.sql"), g.dir)
	killed(t, modules, clickhouseOpen+`console.log("loads"); all(input.load); console.log("loaded"); s.close();`, input)
	g.stop()
	out := node(t, modules, clickhouseOpen+`
		for (let i = 0; i < 2; i++) all(input.load);
		for (const table of ["netlog.flows", "netlog.entries"])
			run("INSERT INTO " + table + " SELECT * REPLACE(received - INTERVAL 40 DAY AS received) FROM " + table);
	`+clickhouseAnswers, input)
	g.checkAnswers(t, out, "ab", g.stored.Load())
}

// clickhouseInput returns the input of scripts that open a database, and ask for the refused connections of a node.
func clickhouseInput(t *testing.T, node string) map[string]any {
	return map[string]any{
		"db":      filepath.Join(t.TempDir(), "db"),
		"schema":  readText(t, "clickhouse/schema.sql"),
		"top":     readText(t, "clickhouse/top.sql"),
		"refused": strings.Replace(readText(t, "clickhouse/refused.sql"), "'NODE'", "'"+node+"'", 1),
	}
}

// pathOf replaces the directory flows in SQL.
func pathOf(t *testing.T, sql, dir string) string {
	qt.Assert(t, strings.Count(sql, "'flows/"), qt.Equals, 1)
	return strings.Replace(sql, "'flows/", "'"+filepath.ToSlash(dir)+"/", 1)
}

const (
	// clickhouseOpen is the begin of scripts. It opens a database, with its tables.
	clickhouseOpen = `
		const { Session } = require("chdb");
		console.log("opens");
		const s = new Session(input.db);
		const run = (sql, format) => s.query(sql, format);
		const all = file => file.replace(/--.*$/gm, "").split(";").filter(q => q.trim()).forEach(q => run(q));
		all(input.schema);
	`
	// clickhouseAnswers is the end of scripts. It prints the answers to queries.
	clickhouseAnswers = `
		const rows = (sql, columns) => {
			sql = "SELECT concat_ws(' ', " + columns + ") FROM (" + sql.replace(/--.*$/gm, "").replace(";", "") + ")";
			return run(sql, "JSONCompactEachRow").trim().split("\n").map(line => JSON.parse(line)[0]);
		};
		console.log(JSON.stringify({
			Flows: rows("SELECT * FROM netlog.flows FINAL", "node, toUnixTimestamp64Nano(start), tx_bytes, rx_bytes"),
			Largest: rows(input.top, "proto, a, b, bytes").slice(0, 8),
			Refused: rows(input.refused, "refused_by, class, proto, from, to"),
			Stored: run("SELECT count() FROM netlog.flows").trim() + " rows",
		}));
		s.close();
	`
)
