package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// ByteSize is a [flag.Value] for a number of bytes. Set accepts the results of String.
type ByteSize int64

// unit is a unit of bytes.
type unit struct {
	name  string
	bytes int64
}

// units returns the units from the largest, so that the first one that divides a number
// is the shortest.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
	}
}

// ParseSize parses a number of bytes with an optional unit.
func ParseSize(s string) (ByteSize, error) {
	for _, u := range append(units(), unit{"", 1}) {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || int64(n) > (1<<63-1)/u.bytes {
			break
		}
		return ByteSize(int64(n) * u.bytes), nil
	}
	return 0, errors.New("want a number of bytes, like 500MB or 10GiB")
}

// Set implements [flag.Value].
func (n *ByteSize) Set(s string) (err error) {
	*n, err = ParseSize(s)
	return err
}

// String implements [flag.Value].
func (n ByteSize) String() string {
	if n == 0 {
		return "0"
	}
	amount, name := n.in()
	return fmt.Sprint(amount, name)
}

// Words returns n for use in a sentence.
func (n ByteSize) Words() string {
	amount, name := n.in()
	return fmt.Sprintf("%d %s", amount, name)
}

// in returns n in the largest unit in which it is a whole number.
func (n ByteSize) in() (amount int64, name string) {
	for _, u := range units() {
		if amount := int64(n) / u.bytes; amount > 0 && amount*u.bytes == int64(n) {
			return amount, u.name
		}
	}
	return int64(n), "B"
}

// Age is a [flag.Value] for whole days or hours. 0 means forever. It rejects minutes,
// because 1m looks like a month and entries are deleted by age.
type Age time.Duration

// Day is the length of a day.
const Day = 24 * time.Hour

// ParseAge parses a number of days or hours.
func ParseAge(s string) (Age, error) {
	digits, in := s, time.Duration(0) // 0 has no unit
	if d, ok := strings.CutSuffix(s, "d"); ok {
		digits, in = d, Day
	} else if d, ok := strings.CutSuffix(s, "h"); ok {
		digits, in = d, time.Hour
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || in == 0 && n != 0 || in != 0 && n > uint64((1<<63-1)/in) {
		return 0, errors.New("want days or hours, like 30d or 12h")
	}
	return Age(time.Duration(n) * in), nil
}

// Set implements [flag.Value].
func (a *Age) Set(s string) (err error) {
	*a, err = ParseAge(s)
	return err
}

// String implements [flag.Value].
func (a Age) String() string {
	switch d := time.Duration(a); {
	case d == 0:
		return "0"
	case d%Day == 0:
		return fmt.Sprintf("%dd", d/Day)
	default:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
}

// Words returns a for use in a sentence.
func (a Age) Words() string {
	if d := time.Duration(a); d%Day != 0 {
		return flowtable.Plural(int64(d/time.Hour), "hour")
	}
	return flowtable.Plural(int64(time.Duration(a)/Day), "day")
}

// Count is a [flag.Value] for a whole number from 0.
type Count int

// Set implements [flag.Value].
func (n *Count) Set(s string) error {
	u, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return errors.New("want a whole number")
	}
	*n = Count(u)
	return nil
}

// String implements [flag.Value].
func (n Count) String() string { return strconv.Itoa(int(n)) }

// ParseTime parses a time, a date, or how long ago.
func ParseTime(s string, now time.Time) (time.Time, error) {
	if ago, err := ParseAge(s); err == nil {
		return now.Add(-time.Duration(ago)), nil
	}
	switch ago, err := time.ParseDuration(s); {
	case err == nil && ago < 0:
		return time.Time{}, errors.New("how long ago must not be negative")
	case err == nil:
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("want a time like 2026-11-22T10:00:00Z, a date, or how long ago, like 1h30m or 7d")
}
