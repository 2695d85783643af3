package page

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-netlog/netlog/internal/flowtable"
)

const (
	maxQuery     = 2 << 10 // bytes of the parameters of a request
	defaultLimit = 100     // flows of an answer
	maxLimit     = 2000
)

// ranges are the spans of time that a query can ask for, in steps.
var ranges = map[string]int64{"5m": 30, "15m": 90, "1h": hourSteps}

// query selects flows. It is parsed from the parameters of a request.
type query struct {
	steps    int64
	classes  []string
	states   []string
	nodes    []string       // the flow has a side at each of them
	prefixes []netip.Prefix // one for each of nodes; zero: it is a name or an ID
	port     uint16         // of a side; 0: any
	words    []string
	sort     string
	rising   bool // sorted from the smallest
	limit    int
}

// parseQuery parses the parameters of a request.
func parseQuery(v url.Values) (q query, err error) {
	q = query{steps: ranges["15m"], sort: "bytes", limit: defaultLimit}
	for name, values := range v {
		for _, value := range values {
			if value == "" {
				continue
			}
			if err := q.set(name, value); err != nil {
				return q, err
			}
		}
	}
	return q, nil
}

func (q *query) set(name, value string) (err error) {
	switch name {
	case "range":
		q.steps, err = oneOf(name, value, ranges)
	case "class":
		q.classes, err = listOf(name, value, classNames())
	case "state":
		q.states, err = listOf(name, value, flowtable.States())
	case "node":
		q.nodes = append(q.nodes, strings.ToLower(value))
		p, _ := flowtable.ParsePrefix(value)
		q.prefixes = append(q.prefixes, p)
	case "port":
		var n uint64
		if n, err = strconv.ParseUint(value, 10, 16); err != nil {
			err = fmt.Errorf("port is %q, not a number up to 65535", value)
		}
		q.port = uint16(n)
	case "q":
		q.words = strings.Fields(strings.ToLower(value))
	case "sort":
		q.sort, q.rising = strings.CutPrefix(value, "-")
		_, err = oneOf(name, q.sort, columns)
	case "limit":
		if q.limit, err = strconv.Atoi(value); err != nil || q.limit < 1 || q.limit > maxLimit {
			err = fmt.Errorf("limit is %q, not a number from 1 to %d", value, maxLimit)
		}
	default:
		err = fmt.Errorf("there is no parameter %q", name)
	}
	return err
}

func classNames() (names []string) {
	for _, c := range flowtable.Classes() {
		names = append(names, c.String())
	}
	return names
}

// oneOf returns the value of a parameter in a map.
func oneOf[T any](name, value string, in map[string]T) (v T, err error) {
	v, ok := in[value]
	if !ok {
		err = fmt.Errorf("%s is %q, not one of the known values", name, value)
	}
	return v, err
}

// listOf returns the elements of a parameter, separated by commas, each of which must be in a list.
func listOf(name, value string, known []string) ([]string, error) {
	list := strings.Split(value, ",")
	for _, s := range list {
		if !slices.Contains(known, s) {
			return nil, fmt.Errorf("%s is %q, not one of %s", name, s, strings.Join(known, ", "))
		}
	}
	return list, nil
}

// matches reports whether a flow is selected.
func (q *query) matches(f *flowRow) bool {
	if len(q.classes) > 0 && !slices.Contains(q.classes, f.row.Class.String()) ||
		len(q.states) > 0 && !slices.Contains(q.states, f.row.State()) ||
		q.port != 0 && f.row.Src.Port() != q.port && f.row.Dst.Port() != q.port {
		return false
	}
	for i := range q.nodes {
		if !q.touches(i, f.row.Src.Addr(), &f.src) && !q.touches(i, f.row.Dst.Addr(), &f.dst) {
			return false
		}
	}
	if len(q.words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join([]string{
		f.row.Class.String(), f.row.Proto.String(), f.row.State(), f.src.Name, f.src.ID, f.dst.Name, f.dst.ID, f.row.Src.String(), f.row.Dst.String(),
	}, " "))
	return !slices.ContainsFunc(q.words, func(w string) bool { return !strings.Contains(text, w) })
}

// touches reports whether a side of a flow is at the node that a parameter names: by its name, the
// first digits of its ID, or its address.
func (q *query) touches(i int, a netip.Addr, s *side) bool {
	if p := q.prefixes[i]; p.IsValid() {
		return flowtable.Contains(p, a)
	}
	word := q.nodes[i]
	return word == strings.ToLower(s.Name) || len(word) >= 4 && strings.HasPrefix(s.ID, word)
}

// columns are the orders of flows, each from the largest.
var columns = map[string]func(a, b *flowRow) int{
	"bytes":    func(a, b *flowRow) int { return cmp.Compare(b.row.Bytes(), a.row.Bytes()) },
	"sent":     func(a, b *flowRow) int { return cmp.Compare(b.row.TxBytes, a.row.TxBytes) },
	"received": func(a, b *flowRow) int { return cmp.Compare(b.row.RxBytes, a.row.RxBytes) },
	"packets":  func(a, b *flowRow) int { return cmp.Compare(b.row.Packets(), a.row.Packets()) },
	"class":    func(a, b *flowRow) int { return cmp.Compare(b.row.Class, a.row.Class) },
	"proto":    func(a, b *flowRow) int { return cmp.Compare(b.row.Proto.String(), a.row.Proto.String()) },
	"state":    func(a, b *flowRow) int { return cmp.Compare(b.row.State(), a.row.State()) },
	"source": func(a, b *flowRow) int {
		return cmp.Or(cmp.Compare(b.src.Name, a.src.Name), b.row.Src.Compare(a.row.Src))
	},
	"destination": func(a, b *flowRow) int {
		return cmp.Or(cmp.Compare(b.dst.Name, a.dst.Name), b.row.Dst.Compare(a.row.Dst))
	},
}

// compare orders flows as q asks. Equal stores give equal orders.
func (q *query) compare(a, b *flowRow) int {
	d := columns[q.sort](a, b)
	if q.rising {
		d = -d
	}
	return cmp.Or(d, cmp.Compare(b.row.Bytes(), a.row.Bytes()), a.row.Tuple.Compare(b.row.Tuple),
		cmp.Compare(a.row.Class, b.row.Class), cmp.Compare(a.reporter, b.reporter))
}
