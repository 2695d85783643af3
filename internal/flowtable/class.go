package flowtable

import (
	"slices"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
)

// Class is a class of traffic, as in the records.
type Class uint8

// The classes, in the order in which they are shown.
const (
	Virtual Class = iota
	Subnet
	Exit
	Physical
	Denied
	numClasses
)

// String returns the name of c in lower case.
func (c Class) String() string {
	return [...]string{"virtual", "subnet", "exit", "physical", "denied", "?"}[min(c, numClasses)]
}

// Traffic returns the flows of class c in m.
func (c Class) Traffic(m *record.Message) []record.ConnectionCounts {
	if list := c.list(m); list != nil {
		return *list
	}
	return nil
}

// Keep removes the flows of class c from m that are not wanted, and returns the number of
// those that remain.
func (c Class) Keep(m *record.Message, wanted func(*flowtrack.Tuple) bool) int {
	list := c.list(m)
	if list == nil {
		return 0
	}
	*list = slices.DeleteFunc(*list, func(cc record.ConnectionCounts) bool { return !wanted(&cc.Tuple) })
	return len(*list)
}

// list returns the list of flows of class c in m.
func (c Class) list(m *record.Message) *[]record.ConnectionCounts {
	switch c {
	case Virtual:
		return &m.VirtualTraffic
	case Subnet:
		return &m.SubnetTraffic
	case Exit:
		return &m.ExitTraffic
	case Physical:
		return &m.PhysicalTraffic
	case Denied:
		return &m.DeniedTraffic
	}
	return nil
}

// Classes returns all classes.
func Classes() []Class { return []Class{Virtual, Subnet, Exit, Physical, Denied} }
