package examples_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// dashboard has the parts of grafana/flows.json that the tests look at.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		ID              int
		Title, Type     string
		Datasource      source
		GridPos         struct{ X, Y, W, H int }
		Targets         []target
		Transformations []struct {
			ID      string
			Options struct{ IndexByName map[string]int }
		}
	}
}

type source struct{ Type, UID string }

type target struct {
	RefID, Expr, QueryType, LegendFormat string
	Datasource                           source
}

// legendLabel matches a label in the legend of a series.
var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	qt.Assert(t, json.Unmarshal([]byte(readText(t, "grafana/flows.json")), &d), qt.IsNil)
	qt.Assert(t, d.Panels, qt.HasLen, 5)
	return d
}

// expressions returns the queries of a panel, with the variables of the dashboard replaced.
func (d dashboard) expressions(t *testing.T, title, filter, class string) (all []target) {
	t.Helper()
	for _, p := range d.Panels {
		if p.Title == title {
			all = slices.Clone(p.Targets)
		}
	}
	qt.Assert(t, len(all) > 0, qt.IsTrue, qt.Commentf("no panel %s", title))
	for i := range all {
		all[i].Expr = strings.NewReplacer("${filter:raw}", filter, "${class:raw}", class).Replace(all[i].Expr)
		qt.Assert(t, strings.Contains(all[i].Expr, "$"), qt.IsFalse, qt.Commentf("another variable in %s", all[i].Expr))
	}
	return all
}

// TestGrafanaDashboard checks that the parts of the dashboard fit together.
func TestGrafanaDashboard(t *testing.T) {
	d := readDashboard(t)
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name+" "+v.Type+" "+v.Query)
	}
	qt.Check(t, names, qt.DeepEquals, []string{
		"DS_VICTORIALOGS datasource victoriametrics-logs-datasource", "filter textbox *", "class custom virtual,subnet,exit,physical,denied",
	})
	want := source{"victoriametrics-logs-datasource", "${DS_VICTORIALOGS}"}
	kinds := map[string]string{"timeseries": "statsRange", "table": "instant"}
	taken := make(map[[2]int]string)
	for _, p := range d.Panels {
		qt.Check(t, p.Datasource, qt.Equals, want)
		for _, target := range p.Targets {
			qt.Check(t, target.Datasource, qt.Equals, want)
			qt.Check(t, target.QueryType, qt.Equals, kinds[p.Type], qt.Commentf("%s", p.Title))
			for _, label := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
				qt.Check(t, target.Expr, qt.Contains, "stats by ("+label[1]+") ")
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				qt.Check(t, taken[[2]int{x, y}], qt.Equals, "", qt.Commentf("%s covers it", p.Title))
				taken[[2]int{x, y}] = p.Title
			}
		}
		qt.Check(t, p.GridPos.X+p.GridPos.W <= 24, qt.IsTrue)
	}
}

// TestGrafanaQueries runs the queries of the dashboard in VictoriaLogs, with the parameters that the plugin of Grafana
// sends. All entries are there twice, and a hostile node writes too.
func TestGrafanaQueries(t *testing.T) {
	path := buildVictoriaLogs(t)
	now := time.Now()
	stores(t, now, func(t *testing.T, _ string, lines []string) {
		t.Run("shipped", func(t *testing.T) {
			filter := fmt.Sprintf(`{"logtail.id"=~"%s|%s"}`, publicID('a'), publicID('b'))
			checkDashboard(t, path, insertPath(t, "tail/fluent-bit.yaml"), lines, filter, publicID, now)
		})
		t.Run("direct", func(t *testing.T) {
			name := func(node byte) string { return string(node) }
			checkDashboard(t, path, insertPath(t, "victorialogs/README.md"), withoutSender(lines), `{nodeId=~"a|b"}`, name, now)
		})
	})
}

// checkDashboard inserts lines and checks the answers for nodes a and b. name returns what the dashboard calls a node.
func checkDashboard(t *testing.T, path, insert string, lines []string, filter string, name func(byte) string, now time.Time) {
	v := startVictoriaLogs(t, path, t.TempDir(), freePort(t))
	for range 2 {
		v.insert(t, insert, lines)
	}
	d := readDashboard(t)
	a, b := name('a'), name('b')

	qt.Check(t, v.series(t, d.expressions(t, "Traffic by class", filter, ""), now), qt.DeepEquals, map[string]string{
		"virtual": "790", "subnet": "3.68934881e+19", "exit": "3.68934881e+19", "denied": "60",
	})
	qt.Check(t, v.series(t, d.expressions(t, "Refused connections by node", filter, ""), now), qt.DeepEquals, map[string]string{
		a + ": by the other side": "1", b + ": by the other side": "1", a + ": by its filter": "1",
	})
	qt.Check(t, v.rows(t, d, "Largest flows", filter, "virtual", now), qt.DeepEquals, []string{
		a + " 6 100.64.0.1:4000 100.64.0.2:22 200 100 300",
		b + " 6 100.64.0.2:22 100.64.0.1:4000 100 190 290",
		a + " 6 100.64.0.1:4001 100.64.0.2:81 60 40 100",
		b + " 6 100.64.0.2:81 100.64.0.1:4001 40 60 100",
	})
	qt.Check(t, v.rows(t, d, "Largest flows", filter, "denied", now), qt.DeepEquals, []string{
		a + " 6 100.64.0.1:23 100.64.0.9:999 0 60 60",
	})
	qt.Check(t, v.rows(t, d, "Largest flows", filter, "physical", now), qt.HasLen, 0)
	qt.Check(t, v.rows(t, d, "Refused connections", filter, "", now), qt.ContentEquals, []string{
		a + " peer 100.64.0.1:4001 to 100.64.0.2:81", a + " filter 100.64.0.9:999 to 100.64.0.1:23",
		b + " peer 100.64.0.1:4001 to 100.64.0.2:81",
	})
	var lost []string
	for _, row := range v.rows(t, d, "Entries that nodes had to drop", "", "", now) {
		if strings.Contains(row, " 7 3 ") {
			lost = append(lost, row)
		}
	}
	qt.Assert(t, lost, qt.HasLen, 1) // of node a, which only the receiver can tell
	qt.Check(t, lost[0], qt.Matches, `(-|`+a+`) 7 3 18446744073709552000`)

	for _, p := range d.Panels { // with the filter that the dashboard begins with
		if p.Type == "timeseries" {
			v.series(t, d.expressions(t, p.Title, "*", "virtual"), now)
		} else {
			qt.Check(t, len(v.rows(t, d, p.Title, "*", "virtual", now)) > 0, qt.IsTrue, qt.Commentf("%s", p.Title))
		}
	}
}

// series returns the sum of each series of the last hour, by its legend. Rates become sums.
func (v victoriaLogs) series(t *testing.T, targets []target, now time.Time) map[string]string {
	t.Helper()
	const step = 60 // seconds
	sums := make(map[string]float64)
	for _, target := range targets {
		body := v.get(t, "/select/logsql/stats_query_range", url.Values{
			"query": {target.Expr}, "start": {start(now)}, "end": {end(now)}, "step": {fmt.Sprintf("%ds", step)},
		})
		var answer struct {
			Data struct {
				ResultType string
				Result     []struct {
					Metric map[string]string
					Values [][2]any
				}
			}
		}
		qt.Assert(t, json.Unmarshal(body, &answer), qt.IsNil)
		qt.Assert(t, answer.Data.ResultType, qt.Equals, "matrix")
		for _, result := range answer.Data.Result {
			legend := legendLabel.ReplaceAllStringFunc(target.LegendFormat, func(s string) string {
				return result.Metric[strings.Trim(s, "{}")]
			})
			for _, value := range result.Values {
				n, err := strconv.ParseFloat(value[1].(string), 64)
				qt.Assert(t, err, qt.IsNil)
				if strings.Contains(target.Expr, "rate_sum") {
					n *= step
				}
				sums[legend] += n
			}
		}
	}
	texts := make(map[string]string)
	for legend, n := range sums {
		texts[legend] = strconv.FormatFloat(n, 'g', 9, 64)
	}
	return texts
}

// rows returns the rows of a table of the last hour, with its columns in order, except for the time.
func (v victoriaLogs) rows(t *testing.T, d dashboard, title, filter, class string, now time.Time) (rows []string) {
	t.Helper()
	var columns []string
	for _, p := range d.Panels {
		for _, tr := range p.Transformations {
			for name := range tr.Options.IndexByName {
				if p.Title == title && name != "Time" {
					columns = append(columns, name)
				}
			}
			if p.Title == title && tr.ID == "organize" {
				slices.SortFunc(columns, func(x, y string) int { return tr.Options.IndexByName[x] - tr.Options.IndexByName[y] })
			}
		}
	}
	body := v.get(t, "/select/logsql/query", url.Values{
		"query": {d.expressions(t, title, filter, class)[0].Expr}, "start": {start(now)}, "end": {end(now)}, "limit": {"1000"},
	})
	for line := range strings.Lines(string(body)) {
		var row map[string]string
		qt.Assert(t, json.Unmarshal([]byte(line), &row), qt.IsNil)
		qt.Assert(t, row["_stream"], qt.Equals, "", qt.Commentf("the plugin does not show this field"))
		var fields []string
		for _, name := range columns {
			fields = append(fields, cmp.Or(row[name], "-"))
			delete(row, name)
		}
		delete(row, "_time")
		qt.Assert(t, row, qt.HasLen, 0, qt.Commentf("%s has no such columns", title))
		rows = append(rows, strings.Join(fields, " "))
	}
	return rows
}

// start and end are the last hour, and a little more, since some entries of the test are of the next seconds.
func start(now time.Time) string { return strconv.FormatInt(now.Add(-time.Hour).Unix(), 10) }
func end(now time.Time) string   { return strconv.FormatInt(now.Add(5*time.Second).Unix(), 10) }
