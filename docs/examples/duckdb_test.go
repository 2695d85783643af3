package examples_test

import (
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestDuckDB runs the views over a store of honest nodes, and over one with everything that a hostile node can write,
// before and after the finished file is loaded.
func TestDuckDB(t *testing.T) {
	modules := engines(t, "@duckdb/node-api")
	now := time.Now()
	stores(t, now, func(t *testing.T, dir string, lines []string) {
		honest := "WHERE node IN ('" + publicID('a') + "', '" + publicID('b') + "') "
		queries := []string{
			"SELECT version()",
			"SELECT class, proto, src, dst, tx_pkts, tx_bytes, rx_pkts, rx_bytes, tx_flags, rx_flags FROM flows " + honest + "ORDER BY node, class, place, tx_pkts",
			`SELECT DISTINCT nanosecond("start") % 1000, nanosecond("end") % 1000 FROM flows ` + honest,
			"SELECT proto, a, b, bytes FROM largest(INTERVAL 1 HOUR) WHERE a NOT LIKE '203.%' AND b LIKE '1%' AND a LIKE '1%'",
			"SELECT proto, a, b, bytes FROM talkers WHERE a NOT LIKE '203.%' AND b LIKE '1%' AND a LIKE '1%'",
			"SELECT node, class, sum(tx_bytes), sum(rx_bytes) FROM hourly " + honest + "GROUP BY ALL ORDER BY ALL",
			"SELECT node, refused_by, class, proto, src, dst FROM refused " + honest + "ORDER BY ALL",
			"SELECT node, proc_seq, entries, bytes FROM dropped " + honest,
			"SELECT node, address, name, node_id FROM names " + honest + "ORDER BY ALL",
			"SELECT node, name, public_key, address, endpoint, minute(since), minute(until) FROM sessions " + honest + "ORDER BY since",
		}
		out := node(t, modules, `
			const { DuckDBInstance } = require("@duckdb/node-api");
			const db = await (await DuckDBInstance.create(":memory:")).connect();
			await db.run(input.sql);
			for (const view of ["records", "flows", "largest(INTERVAL 1 HOUR)", "talkers", "hourly", "refused", "sessions", "dropped", "names"])
				await db.runAndReadAll("FROM " + view);
			const before = (await db.runAndReadAll(input.queries[1])).getRowsJson();
			await db.run(input.load);
			const loaded = (await db.runAndReadAll(input.queries[1])).getRowsJson();
			require("assert").deepEqual(loaded, before);
			for (const q of input.queries)
				console.log(JSON.stringify((await db.runAndReadAll(q)).getRowsJson()));
		`, map[string]any{"sql": pathOf(t, readText(t, "duckdb/flows.sql"), dir), "load": readText(t, "duckdb/load.sql"), "queries": queries})
		version, rest, _ := strings.Cut(out, "\n")
		t.Logf("DuckDB %s", version)
		qt.Check(t, strings.Split(strings.TrimSpace(letters(rest)), "\n"), qt.DeepEquals, []string{
			`[["denied",6,"100.64.0.1:23","100.64.0.9:999","0","0","1","60",0,2],` +
				`["exit",0,null,null,"3","18446744073709551615","0","18446744073709551615",0,0],` +
				`["subnet",17,"100.64.0.1:5000","192.168.1.1:53","18446744073709551615","18446744073709551615","18446744073709551615","18446744073709551615",0,0],` +
				`["virtual",6,"100.64.0.1:4000","100.64.0.2:22","2","200","2","100",2,18],` +
				`["virtual",6,"100.64.0.1:4000","100.64.0.2:22","9","9000","0","0",0,0],` +
				`["virtual",6,"100.64.0.1:4001","100.64.0.2:81","1","60","1","40",2,4],` +
				`["virtual",6,"100.64.0.2:22","100.64.0.1:4000","2","100","2","190",18,2],` +
				`["virtual",6,"100.64.0.2:81","100.64.0.1:4001","1","40","1","60",4,2]]`,
			`[["1","1"]]`,
			`[[17,"100.64.0.1:5000","192.168.1.1:53","36893488147419103230"],[6,"100.64.0.1:4000","100.64.0.2:22","300"],[6,"100.64.0.1:4001","100.64.0.2:81","100"]]`,
			`[[17,"100.64.0.1:5000","192.168.1.1:53","36893488147419103230"],[6,"100.64.0.1:4000","100.64.0.2:22","9300"],[6,"100.64.0.1:4001","100.64.0.2:81","100"]]`,
			`[["a","denied","0","60"],["a","exit","18446744073709551615","18446744073709551615"],["a","subnet","18446744073709551615","18446744073709551615"],` +
				`["a","virtual","9260","140"],["b","virtual","140","250"]]`,
			`[["a","filter","denied",6,"100.64.0.9:999","100.64.0.1:23"],["a","peer","virtual",6,"100.64.0.1:4001","100.64.0.2:81"],["b","peer","virtual",6,"100.64.0.1:4001","100.64.0.2:81"]]`,
			`[["a","2","3","18446744073709551615"]]`,
			`[["a","100.64.0.1","alpha","a"],["a","100.64.0.2","beta","b"]]`,
			`[["a","beta","k2","100.64.0.2","192.0.2.7:1","1","2"],["a","beta","k2","100.64.0.2","192.0.2.7:2","2","3"],["a","beta","k2","100.64.0.2","192.0.2.7:2","4",null]]`,
		})
	})
}
