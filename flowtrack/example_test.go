package flowtrack_test

import (
	"fmt"
	"net/netip"

	"github.com/go-netlog/netlog/flowtrack"
)

func Example() {
	t := flowtrack.Tuple{
		Proto: flowtrack.TCP,
		Src:   netip.MustParseAddrPort("100.64.0.1:49152"),
		Dst:   netip.MustParseAddrPort("100.64.0.2:443"),
	}
	bytes := map[flowtrack.Tuple]int{t: 40}
	bytes[t] += 1500
	fmt.Println(t, bytes[t])
	// Output: TCP 100.64.0.1:49152 -> 100.64.0.2:443 1540
}
