package page_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/go-netlog/netlog/logtail/receiver/page"
)

// A Page is a Handler. Its data.json has what it shows.
func Example() {
	p := page.New(page.Options{})
	defer p.Close()
	p.Add([][]byte{[]byte(`{"nodeId":"web","virtualTraffic":[{"proto":6,"src":"10.0.0.2:22","dst":"10.0.0.3:4000","txPkts":1,"txBytes":40}]}`)})
	server := httptest.NewServer(p)
	defer server.Close()
	resp, err := http.Get(server.URL + "/data.json?sort=sent")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, resp.Header.Get("Content-Type"))
	// Output: 200 application/json
}
