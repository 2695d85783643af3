package spool_test

import (
	"fmt"
	"log"
	"os"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

// Open a spool with the identity of its Logger, use it as the Buffer, and close it after the Logger.
func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	id := logtail.NewPrivateID() // a daemon keeps this ID in a file

	buffer, err := spool.Open(dir, id.Public(), spool.Options{MaxBytes: 4 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer buffer.Close()
	config := logtail.Config{Collection: "netlog", PrivateID: id, Buffer: buffer}
	_ = config // logtail.NewLogger(config), or netlog.Logger.Upload

	if err := buffer.Append([]byte(`{"text":"hello"}`)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(buffer.Stats().Entries, "entry kept for the next start")
	// Output: 1 entry kept for the next start
}
