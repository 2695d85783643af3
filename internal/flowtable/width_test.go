package flowtable_test

import (
	"bufio"
	"net/netip"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/flowtable"
)

func TestCutColumns(t *testing.T) {
	for _, test := range []struct {
		text    string
		columns int
		cut     string // to 5 columns
	}{
		{"", 0, ""},
		{"web-1", 5, "web-1"},
		{"web-12", 6, "web-1"},
		{"müller", 6, "mülle"},
		{"mu\u0308ller", 6, "mu\u0308lle"},              // Mn
		{"abcde\u0301", 5, "abcde\u0301"},               // stays with its letter
		{"1\u20dd2\u20dd", 2, "1\u20dd2\u20dd"},         // Me
		{"a\u200db", 2, "a\u200db"},                     // Cf
		{"東京", 4, "東京"},                                 // W
		{"東京都", 6, "東京"},                                // no half characters
		{"a東京都", 7, "a東京"},                              // ends at a column that is the last
		{"한국", 4, "한국"},                                 // Hangul
		{"\u1112\u1161\u11ab", 2, "\u1112\u1161\u11ab"}, // Hangul in parts
		{"ﾄｳｷｮｳ", 5, "ﾄｳｷｮｳ"},                           // halfwidth
		{"ＡＢＣ", 6, "ＡＢ"},                                // fullwidth
		{"が", 2, "が"},
		{"か\u3099", 2, "か\u3099"}, // a combining character between wide ones
		{"日本語", 6, "日本"},
		{"🚀🚀🚀", 6, "🚀🚀"},
		{"✓✓", 2, "✓✓"}, // ambiguous or neutral
		{"🇩🇪", 2, "🇩🇪"},
		{"𠀀𪛖", 4, "𠀀𪛖"}, // planes 2 and 3
		{"\u303f", 1, "\u303f"},
		{"a" + strings.Repeat("\u0301", 20), 13, "a" + strings.Repeat("\u0301", 12)},
	} {
		qt.Check(t, flowtable.Columns(test.text), qt.Equals, test.columns, qt.Commentf("%q", test.text))
		qt.Check(t, flowtable.CutColumns(test.text, 5), qt.Equals, test.cut, qt.Commentf("%q", test.text))
	}
}

// TestPrintWideNames checks that columns are aligned on a terminal, and cut to its width,
// when names have wide and combining characters.
func TestPrintWideNames(t *testing.T) {
	tab := func() *flowtable.Table {
		names := map[string]string{
			"100.64.0.1": "東京の出口サーバー", "100.64.0.2": "web", "100.64.0.3": "Zu\u0308rich-Gate\u0301way", "100.64.0.4": "🚀",
		}
		tab := flowtable.Table{Name: func(a netip.Addr) string { return names[a.String()] }}
		tab.Add(rec("A", flow(a, b, 9, 5), flow("100.64.0.3:1", b, 8, 5), flow("100.64.0.4:443", a, 7, 5)))
		return &tab
	}
	var out strings.Builder
	qt.Assert(t, tab().Print(&out, 0), qt.IsNil)
	qt.Check(t, out.String(), qt.Equals, strings.ReplaceAll(strings.ReplaceAll(`class   proto source                  destination             tx p/s tx B/s rx p/s rx B/s
virtual TCP   東京の出口サーバー:4000 web:22                    0.90   90.0   0.50   50.0
virtual TCP   Zürich-Gatéway:1        web:22                    0.80   80.0   0.50   50.0
virtual TCP   🚀:443                  東京の出口サーバー:4000   0.70   70.0   0.50   50.0
virtual total, 3 flows, 3.90kB                                  2.40    240   1.50    150
1 record, 1 node, 3 entries
2026-11-22 10:00:00 to 2026-11-22 10:00:10 UTC (10s)
`, "ü", "u\u0308"), "é", "e\u0301"))
	for _, width := range []int{60, 72, 80} {
		out.Reset()
		qt.Assert(t, tab().Print(&out, width), qt.IsNil)
		lines := strings.Split(out.String(), "\n")[:5]
		for _, line := range lines {
			qt.Check(t, flowtable.Columns(line), qt.Equals, flowtable.Columns(lines[0]), qt.Commentf("%q", line))
			qt.Check(t, flowtable.Columns(line) <= width, qt.IsTrue, qt.Commentf("%q", line))
		}
	}
	qt.Check(t, out.String(), qt.Contains, "東京の出~バー:4000")
}

// TestPrintCutCombining checks that a name is not cut between a letter and its accent.
func TestPrintCutCombining(t *testing.T) {
	tab := flowtable.Table{Name: func(netip.Addr) string { return "abcdefghijklmnope\u03011234567" }}
	tab.Add(rec("A", flow("100.64.0.1:22", "100.64.0.2:22", 1, 1)))
	var out strings.Builder
	qt.Assert(t, tab.Print(&out, 75), qt.IsNil)
	qt.Check(t, out.String(), qt.Contains, "~1234567:22 ")
}

// TestAlign checks that columns are aligned, and cut if they fit into the width then.
func TestAlign(t *testing.T) {
	rows := [][]string{{"name", "key", "x"}, {"東京の出口", "0123456789abcdef", "1"}, {"web", "", "22"}}
	whole := "name        key               x\n東京の出口  0123456789abcdef  1\nweb                           22\n"
	for width, want := range map[int]string{
		0:  whole,
		32: whole,
		24: "name        key       x\n東京の出口  01~bcdef  1\nweb                   22\n",
		22: "name      key       x\n東~出口   01~bcdef  1\nweb                 22\n",
		21: whole, // it does not fit in any case
	} {
		var out strings.Builder
		b := bufio.NewWriter(&out)
		flowtable.Align(b, rows, width, 1, 0)
		qt.Assert(t, b.Flush(), qt.IsNil)
		qt.Check(t, out.String(), qt.Equals, want, qt.Commentf("%d columns", width))
	}
}
