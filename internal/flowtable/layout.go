package flowtable

import (
	"bufio"
	"strings"
)

const (
	rateColumns = 4 * 7 // four numbers and the space before each
	minSide     = 8     // columns of a side that is cut
)

// layout holds the widths of the columns.
type layout struct {
	class, proto, src, dst int
	state                  int // 0: no row has a state
}

// newLayout makes the columns as wide as their text. If that exceeds width, it cuts the
// two sides.
func newLayout(cells []cell, width int) layout {
	var l layout
	for _, c := range cells {
		l.class = max(l.class, Columns(c.class))
		l.proto = max(l.proto, Columns(c.proto))
		l.src = max(l.src, Columns(c.src))
		l.dst = max(l.dst, Columns(c.dst))
		l.state = max(l.state, len(c.state))
	}
	if width <= 0 {
		return l
	}
	room := width - (l.class + 1 + l.proto + 1 + 1 + l.stateColumn() + rateColumns)
	if l.src+l.dst <= room {
		return l
	}
	half := max(room/2, minSide)
	l.src = min(l.src, max(half, room-l.dst))
	l.dst = min(l.dst, max(half, room-l.src))
	return l
}

// stateColumn returns the width of the state and the space before it.
func (l layout) stateColumn() int {
	if l.state == 0 {
		return 0
	}
	return 1 + l.state
}

func (l layout) line(b *bufio.Writer, c cell, numbers [4]string) {
	pad(b, c.class, l.class)
	pad(b, c.proto, l.proto)
	pad(b, cut(c.src, l.src), l.src)
	pad(b, cut(c.dst, l.dst), l.dst)
	if l.state > 0 {
		pad(b, c.state, l.state)
	}
	l.numbers(b, numbers)
}

func (l layout) total(b *bufio.Writer, name, flows string, numbers [4]string) {
	left := l.class + 1 + l.proto + 1 + l.src + 1 + l.dst + l.stateColumn()
	pad(b, cut(name+", "+flows, left), left)
	l.numbers(b, numbers)
}

func (l layout) numbers(b *bufio.Writer, numbers [4]string) {
	for i, n := range numbers {
		w := rateColumns/4 - 1
		if i == 0 {
			b.WriteString(strings.Repeat(" ", w-len(n)))
		} else {
			b.WriteString(strings.Repeat(" ", w+1-len(n)))
		}
		b.WriteString(n)
	}
	b.WriteByte('\n')
}

// pad writes s and fills the column, plus one space.
func pad(b *bufio.Writer, s string, width int) {
	b.WriteString(s)
	b.WriteString(strings.Repeat(" ", max(width+1-Columns(s), 0)))
}

// cut shortens s to width columns. It cuts the middle, since both the start of an address
// and its port are significant.
func cut(s string, width int) string {
	if Columns(s) <= width {
		return s
	}
	tail := min(width*2/3, 10)
	return CutColumns(s, width-tail-1) + "~" + lastColumns(s, tail)
}
