package filestore_test

import (
	"fmt"
	"net/http"

	"github.com/go-netlog/netlog/logtail/receiver"
	"github.com/go-netlog/netlog/logtail/receiver/filestore"
)

// A receiver that stores entries in files by collection and day.
func ExampleOpen() {
	files, err := filestore.Open("/var/lib/netlog/flows", filestore.Options{
		MaxBytes: 100 << 30,
		Sync:     true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close() // after the end of the server
	server := &http.Server{Addr: "127.0.0.1:8641", Handler: &receiver.Handler{Sink: files}}
	fmt.Println(server.ListenAndServe())
}
