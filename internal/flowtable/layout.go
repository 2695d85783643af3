package flowtable

import (
	"bufio"
	"slices"
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

// Align writes a line for each row, with columns as wide as their widest cell and two spaces between them.
// If a line exceeds width, it cuts the cells of the columns in cuts, one column after the other, unless the line
// is too long even then. Zero means no limit. All rows must have as many cells as the first. The cells must be clean.
func Align(b *bufio.Writer, rows [][]string, width int, cuts ...int) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, s := range row {
			widths[i] = max(widths[i], Columns(s))
		}
	}
	over := 2*(len(widths)-1) - width
	for _, n := range widths {
		over += n
	}
	narrow := slices.Clone(widths)
	for _, i := range cuts {
		n := max(0, min(over, narrow[i]-minSide))
		narrow[i] -= n
		over -= n
	}
	if over <= 0 {
		widths = narrow
	}
	for _, row := range rows {
		for i, s := range row {
			s = cut(s, widths[i])
			b.WriteString(s)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-Columns(s)+2))
			}
		}
		b.WriteByte('\n')
	}
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
