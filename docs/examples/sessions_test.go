package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"
)

// TestSessionsAsFmt checks that DuckDB, ClickHouse and "netlog fmt -peers" find the same sessions.
func TestSessionsAsFmt(t *testing.T) {
	modules := engines(t, "@duckdb/node-api", "chdb")
	dir, lines := sessionStore(t)
	want := []string{ // until, since, peer, endpoint
		"- 10:05:00 restarted-then-moved 192.0.2.7:2",
		"- 10:02:00 moved 192.0.2.7:2",
		"- 10:11:00 again 192.0.2.7:1",
		"- 10:13:00 no-endpoint 192.0.2.7:2",
		"10:02:00 10:01:00 moved 192.0.2.7:1",
		"10:03:00 - early 192.0.2.7:1",
		"10:05:00 10:01:00 restarted-then-moved 192.0.2.7:1",
		"10:09:00 10:00:00 restarted 192.0.2.7:1",
		"10:10:00 10:01:00 again 192.0.2.7:1",
		"10:13:00 10:08:00 no-endpoint -",
	}
	slices.Sort(want)
	for name, sessions := range map[string][]string{
		"netlog fmt": fmtSessions(t, dir), "DuckDB": duckdbSessions(t, modules, dir), "ClickHouse": clickhouseSessions(t, modules, lines),
	} {
		slices.Sort(sessions)
		qt.Check(t, sessions, qt.DeepEquals, want, qt.Commentf("%s", name))
	}
}

func fmtSessions(t *testing.T, dir string) (sessions []string) {
	cmd := exec.CommandContext(t.Context(), buildNetlog(t), "fmt", "-peers", "-node", publicID('a'), dir)
	out, _ := cmd.Output()
	qt.Assert(t, cmd.ProcessState.ExitCode(), qt.Equals, 1, qt.Commentf("the store has a torn line"))
	for line := range strings.Lines(strings.ReplaceAll(string(out), "2026-11-22 ", "")) {
		if f := strings.Fields(line); len(f) == 7 && f[0] != "since" {
			sessions = append(sessions, strings.Join([]string{strings.Replace(f[1], "connected", "-", 1), f[0], f[3], f[5]}, " "))
		}
	}
	return sessions
}

func duckdbSessions(t *testing.T, modules, dir string) []string {
	out := node(t, modules, `
		const { DuckDBInstance } = require("@duckdb/node-api");
		const db = await (await DuckDBInstance.create(":memory:")).connect();
		await db.run(input.sql);
		(await db.runAndReadAll(input.query)).getRowsJson().forEach(row => console.log(row.join(" ")));
	`, map[string]any{
		"sql": pathOf(t, readText(t, "duckdb/flows.sql"), dir),
		"query": `SELECT coalesce(strftime(until, '%H:%M:%S'), '-'), coalesce(strftime(since, '%H:%M:%S'), '-'), name, coalesce(endpoint, '-')
			FROM sessions WHERE node = '` + publicID('a') + `'`,
	})
	return strings.Split(strings.TrimSpace(out), "\n")
}

func clickhouseSessions(t *testing.T, modules string, lines []string) []string {
	out := node(t, modules, `
		const { Session } = require("chdb");
		const s = new Session();
		const plain = file => file.replace(/--.*$/gm, "");
		plain(input.schema).split(";").filter(q => q.trim()).forEach(q => s.query(q));
		s.query("INSERT INTO netlog.records FORMAT JSONAsString [" + input.lines.join(",") + "]");
		const clock = time => time.startsWith("1970") ? "-" : time.slice(11, 19);
		for (const row of s.query(plain(input.sessions).replace(";", ""), "JSONCompactEachRow").trim().split("\n")) {
			const [name, key, address, endpoint, since, until] = JSON.parse(row);
			console.log([clock(until), clock(since), name, endpoint || "-"].join(" "));
		}
		s.close();
	`, map[string]any{
		"schema": readText(t, "clickhouse/schema.sql"), "lines": lines,
		"sessions": strings.Replace(readText(t, "clickhouse/sessions.sql"), "'NODE'", "'"+publicID('a')+"'", 1),
	})
	return strings.Split(strings.TrimSpace(out), "\n")
}

// sessionStore returns a store with events of the peers of two nodes. Node a was restarted in between. The receiver
// stored one event once more after all others.
func sessionStore(t *testing.T) (dir string, lines []string) {
	const home, cafe = "192.0.2.7:1", "192.0.2.7:2"
	var entries []sent
	for i, e := range []struct {
		node            byte
		proc, minute    int
		state           string
		peer, endpoint  string
		handshakeMinute int // 0: none
	}{
		{'a', 7, 1, "connected", "restarted", home, 0},
		{'a', 7, 1, "connected", "moved", home, 1},
		{'a', 7, 1, "connected", "restarted-then-moved", home, 1},
		{'a', 7, 1, "connected", "again", home, 1},
		{'b', 9, 1, "connected", "again", cafe, 1},
		{'a', 7, 2, "moved", "moved", cafe, 2},
		{'a', 7, 3, "disconnected", "early", home, 1},
		{'a', 8, 5, "connected", "restarted", home, 4},
		{'a', 8, 5, "connected", "restarted-then-moved", cafe, 4},
		{'a', 8, 8, "connected", "no-endpoint", "", 0},
		{'a', 8, 9, "disconnected", "restarted", home, 5},
		{'a', 8, 9, "connected", "no-endpoint", "", 0},
		{'a', 8, 10, "disconnected", "again", home, 9},
		{'a', 8, 12, "connected", "again", home, 11},
		{'a', 8, 13, "moved", "no-endpoint", cafe, 0},
	} {
		more := ""
		if e.endpoint != "" {
			more = fmt.Sprintf(`,"endpoint":%q`, e.endpoint)
		}
		if e.handshakeMinute > 0 || e.peer == "restarted" {
			more += fmt.Sprintf(`,"lastHandshake":"2026-11-22T10:%02d:00Z"`, e.handshakeMinute)
		}
		entries = append(entries, sent{e.node, fmt.Sprintf(`{"logtail":{"client_time":"2026-11-22T10:%02d:00Z","proc_id":%d,"proc_seq":%d},"event":"peer",`+
			`"peer":{"publicKey":"key of %[4]s","name":%[4]q,"address":"100.64.0.2","state":%[5]q%[6]s}}`, e.minute, e.proc, i+1, e.peer, e.state, more)})
	}
	dir, lines = newStore(t, entries)
	i := slices.IndexFunc(lines, func(line string) bool {
		return strings.Contains(line, `"name":"again"`) && strings.Contains(line, "disconnected")
	})
	copied := regexp.MustCompile(`"server_time":"[^"]+"`).ReplaceAllString(lines[i], `"server_time":"2100-01-01T00:00:00Z"`)
	qt.Assert(t, copied, qt.Not(qt.Equals), lines[i])
	qt.Assert(t, os.WriteFile(filepath.Join(dir, "netlog", "2026-11-03.0001.ndjson"), []byte(copied+"\n"), 0o600), qt.IsNil)
	lines = append(lines, copied)
	return dir, lines
}
