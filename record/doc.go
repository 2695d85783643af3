// Package record defines the records that netlog writes: the traffic of one node in
// one window of time, sorted into classes.
//
// A program reads records as it reads any JSON. This one reads what "netlog fmt -json flows"
// prints, or a file of "netlog serve":
//
//	package main
//
//	import (
//		"encoding/json"
//		"fmt"
//		"io"
//		"log"
//		"os"
//
//		"github.com/go-netlog/netlog/record"
//	)
//
//	func main() {
//		entries := json.NewDecoder(os.Stdin)
//		for {
//			var e record.Entry
//			if err := entries.Decode(&e); err == io.EOF {
//				return
//			} else if err != nil {
//				log.Fatal(err)
//			}
//			for _, flow := range e.VirtualTraffic {
//				conn := record.ConnOf(flow.Counts)
//				fmt.Println(e.Start, e.Reporter(), conn.Orient(flow), conn.State())
//			}
//		}
//	}
//
// A line may have more than the 64 KiB that a bufio.Scanner takes by default. Finished files of
// "netlog serve" are compressed with zstd, which "netlog fmt" decompresses.
//
// A flow that lasts longer than a window is in several records. To follow it, keep a [Conn] for
// each Reporter and Tuple, and Add the windows in order. The other end of a flow between two nodes
// reports the same packets again, with source and destination exchanged. An entry may be stored
// twice; see [Meta].
package record
