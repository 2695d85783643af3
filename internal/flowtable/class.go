package flowtable

import (
	"slices"

	"github.com/go-netlog/netlog"
	"github.com/go-netlog/netlog/flowtrack"
)

// Class is the kind of traffic, as the records sort it.
type Class uint8

// The classes, in the order they are shown in.
const (
	Virtual Class = iota
	Subnet
	Exit
	Physical
	numClasses
)

// String returns the name of c in lower case.
func (c Class) String() string {
	return [...]string{"virtual", "subnet", "exit", "physical", "?"}[min(c, numClasses)]
}

// Traffic returns the flows of class c in m.
func (c Class) Traffic(m *netlog.Message) []netlog.ConnectionCounts {
	if list := c.list(m); list != nil {
		return *list
	}
	return nil
}

// Keep takes the flows of class c out of m that are not wanted, and returns how many
// are left.
func (c Class) Keep(m *netlog.Message, wanted func(*flowtrack.Tuple) bool) int {
	list := c.list(m)
	if list == nil {
		return 0
	}
	*list = slices.DeleteFunc(*list, func(cc netlog.ConnectionCounts) bool { return !wanted(&cc.Tuple) })
	return len(*list)
}

// list is where m has the flows of class c.
func (c Class) list(m *netlog.Message) *[]netlog.ConnectionCounts {
	switch c {
	case Virtual:
		return &m.VirtualTraffic
	case Subnet:
		return &m.SubnetTraffic
	case Exit:
		return &m.ExitTraffic
	case Physical:
		return &m.PhysicalTraffic
	}
	return nil
}

// Classes are all classes.
func Classes() []Class { return []Class{Virtual, Subnet, Exit, Physical} }
