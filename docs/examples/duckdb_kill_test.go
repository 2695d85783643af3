package examples_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestDuckDBKilledWhileLoading runs load.sql over a store that grows, and kills the engine in the middle of it.
// Afterwards load.sql runs twice over the same files. Each line is there once, and each entry is exact.
func TestDuckDBKilledWhileLoading(t *testing.T) {
	modules := engines(t, "@duckdb/node-api")
	g := grow(t)
	input := duckdbInput(t, g.dir)
	killed(t, modules, duckdbOpen+`console.log("loads"); await db.run(input.load); console.log("loaded");`, input)
	g.stop()
	out := node(t, modules, duckdbOpen+`for (let i = 0; i < 2; i++) await db.run(input.load);`+duckdbAnswers, input)
	got := g.checkAnswers(t, out, "ab", g.stored.Load())
	qt.Check(t, got.Stored, qt.Equals, fmt.Sprintf("%d lines", 2*g.stored.Load()))
}

// TestDuckDBWhileFilesGrow runs queries over a store whose files are written, finished and compressed meanwhile. Each
// query has every entry once that was stored before it began. A query that finds a file and then cannot open it,
// because it has been compressed, fails.
func TestDuckDBWhileFilesGrow(t *testing.T) {
	modules := engines(t, "@duckdb/node-api")
	for name, load := range map[string]bool{"files": false, "database": true} {
		t.Run(name, func(t *testing.T) {
			g := grow(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, g.stored.Load())
			}))
			defer server.Close()
			input := duckdbInput(t, g.dir)
			input["stored"], input["first"], input["loads"] = server.URL, strconv.FormatInt(g.first.UnixNano(), 10), load
			t.Log(node(t, modules, duckdbOpen+`
				const counts = { complete: 0, removed: 0 };
				while (counts.complete < 20) {
					const n = BigInt(await (await fetch(input.stored)).text()), sum = n * (n - 1n) / 2n, most = (1n << 64n) - 1n;
					const columns = "concat_ws(' ', count(*), count(DISTINCT (node, start)), sum(tx_bytes), sum(rx_bytes))";
					const before = "proto = 17 AND epoch_ns(start) < " + (BigInt(input.first) + n);
					try {
						if (input.loads && counts.complete % 4 == 0) await db.run(input.load);
						const got = (await db.runAndReadAll("SELECT " + columns + " FROM flows WHERE " + before)).getRowsJson()[0][0];
						const want = [2n * n, 2n * n, n * most - sum, sum].join(" ");
						if (got != want) throw new Error(n + " entries: got " + got + ", want " + want);
						counts.complete++;
					} catch (e) {
						if (!/\.ndjson".*No such file/.test(e) || ++counts.removed > 200) throw e;
					}
				}
				console.log(await (await fetch(input.stored)).text(), "entries of each node;", counts);
			`, input))
		})
	}
}

// duckdbInput returns the input of scripts that read a store.
func duckdbInput(t *testing.T, dir string) map[string]any {
	return map[string]any{
		"db":      filepath.Join(t.TempDir(), "flows.db"),
		"views":   pathOf(t, readText(t, "duckdb/flows.sql"), dir),
		"load":    readText(t, "duckdb/load.sql"),
		"refused": "FROM refused WHERE node = '" + publicID('a') + "'",
	}
}

const (
	// duckdbOpen is the begin of scripts. It opens a database, with its views.
	duckdbOpen = `
		const { DuckDBInstance } = require("@duckdb/node-api");
		console.log("opens");
		const db = await (await DuckDBInstance.create(input.db)).connect();
		await db.run(input.views);
	`
	// duckdbAnswers is the end of scripts. It prints the answers to queries.
	duckdbAnswers = `
		const rows = async (sql, columns) => {
			const result = await db.runAndReadAll("SELECT concat_ws(' ', " + columns + ") FROM (" + sql + ")");
			return result.getRowsJson().map(row => row[0]);
		};
		console.log(JSON.stringify({
			Flows: await rows("FROM flows", 'node, epoch_ns("start"), tx_bytes, rx_bytes'),
			Largest: await rows("FROM largest(INTERVAL 1 HOUR) LIMIT 8", "proto, a, b, bytes"),
			Refused: await rows(input.refused, "refused_by, class, proto, src, dst"),
			Stored: (await rows("FROM lines", "count(*)"))[0] + " lines",
		}));
	`
)
