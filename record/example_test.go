package record_test

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/go-netlog/netlog/flowtrack"
	"github.com/go-netlog/netlog/record"
)

// Follow connections over several windows.
func Example() {
	const lines = `
{"nodeId":"n1","virtualTraffic":[{"proto":6,"src":"10.0.0.2:22","dst":"10.0.0.3:4000","txPkts":1,"txBytes":60,"rxPkts":2,"rxBytes":112,"txFlags":18,"rxFlags":2}]}
{"nodeId":"n1","virtualTraffic":[{"proto":6,"src":"10.0.0.2:22","dst":"10.0.0.3:4000","txPkts":9,"txBytes":900,"rxPkts":9,"rxBytes":468,"rxFlags":1}]}
`
	type flow struct {
		reporter string
		tuple    flowtrack.Tuple
	}
	conns := make(map[flow]record.Conn)
	entries := json.NewDecoder(strings.NewReader(lines))
	for {
		var e record.Entry
		if err := entries.Decode(&e); err == io.EOF {
			return
		} else if err != nil {
			fmt.Println(err)
			return
		}
		for _, window := range e.VirtualTraffic {
			f := flow{e.Reporter(), window.Tuple}
			conns[f] = conns[f].Add(window.Counts)
			fmt.Println(conns[f].Orient(window), conns[f].State())
		}
	}
	// Output:
	// TCP 10.0.0.3:4000 -> 10.0.0.2:22 tx 2/112 S rx 1/60 SA established
	// TCP 10.0.0.3:4000 -> 10.0.0.2:22 tx 9/468 F rx 9/900 closed
}
