package examples_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
	"github.com/go-netlog/netlog/logtail"
)

// TestClickHouseKilledWhileUploading sends entries with the uploader, in both ways that the README describes, to an
// engine that is killed with kill -9 at random moments and started again. Each entry counts once, and is exact. A
// small HTTP server stands for the one of ClickHouse.
func TestClickHouseKilledWhileUploading(t *testing.T) {
	modules := engines(t, "chdb")
	insert := regexp.MustCompile(`INSERT INTO netlog.records FORMAT \w+`).FindString(readText(t, "clickhouse/README.md"))
	port := freePort(t)
	for _, test := range []struct {
		name, node string // the node column
		config     logtail.Config
	}{
		{"fixed URL", "a", logtail.Config{URL: "http://127.0.0.1:" + port + "/?query=" + url.QueryEscape(insert)}},
		{"default path", publicID('a'), logtail.Config{BaseURL: "http://127.0.0.1:" + port, Collection: "netlog"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			input := clickhouseInput(t, test.node)
			input["schema"] = readText(t, "clickhouse/schema.sql") + readText(t, "clickhouse/inbox.sql")
			input["port"] = port
			test.config.PrivateID, test.config.Gzip = privateID('a'), true // zlib of node knows no zstd
			e := newNumbered()
			count := uploadKilled(t, modules, input, test.config, e)
			e.checkAnswers(t, node(t, modules, clickhouseOpen+clickhouseAnswers, input), "a", count)
		})
	}
}

// uploadKilled uploads entries of node a to an engine that is killed and started again meanwhile. It returns their
// number.
func uploadKilled(t *testing.T, modules string, input map[string]any, config logtail.Config, e numbered) (count int64) {
	l, err := logtail.NewLogger(config)
	qt.Assert(t, err, qt.IsNil)
	kills := killtest.Rounds(t, os.Getenv("NETLOG_KILLS"), 3)
	for range kills {
		kill := startEngine(t, modules, input)
		for end := time.Now().Add(rand.N(2 * time.Second)); time.Now().Before(end); count++ {
			_, err := l.Write([]byte("{" + e.members('a', count) + "}"))
			qt.Assert(t, err, qt.IsNil)
			time.Sleep(time.Millisecond)
		}
		kill()
	}
	defer startEngine(t, modules, input)()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	qt.Assert(t, l.Shutdown(ctx), qt.IsNil)
	t.Logf("killed %d times", kills)
	return count
}

// startEngine starts an engine that inserts what is posted, for the default path as handlers.xml does, and returns a
// function that kills it. The answer takes 50 ms, so that most kills come between an insert and its answer.
func startEngine(t *testing.T, modules string, input map[string]any) (kill func()) {
	cmd := nodeCommand(t, modules, clickhouseOpen+`
		require("http").createServer((request, response) => {
			const parts = [];
			request.on("data", part => parts.push(part)).on("end", () => {
				if (request.method == "POST") insert(request.url, require("zlib").gunzipSync(Buffer.concat(parts)).toString());
				setTimeout(() => response.end(), 50);
			});
		}).listen(input.port, "127.0.0.1");
		const insert = (url, body) => {
			const query = new URL(url, "http://127.0.0.1").searchParams.get("query");
			if (query) return run(query + " " + body);
			body = body.replace(/\\/g, "\\\\").replace(/'/g, "\\'");
			run("INSERT INTO netlog.inbox VALUES (lower(hex(SHA256(unhex('" + url.split("/")[3] + "')))), '" + body + "')");
		};
	`, input)
	cmd.Stderr = t.Output()
	qt.Assert(t, cmd.Start(), qt.IsNil)
	kill = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	t.Cleanup(kill)
	for range 1000 {
		if resp, err := http.Get("http://127.0.0.1:" + input["port"].(string)); err == nil {
			resp.Body.Close()
			return kill
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the engine does not answer")
	return nil
}
