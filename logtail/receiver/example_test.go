package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// printer is a Sink.
type printer struct{}

func (printer) Store(ctx context.Context, b receiver.Batch) error {
	for _, entry := range b.Entries {
		_, rest, _ := strings.Cut(string(entry), "},") // after the "logtail" member
		fmt.Printf("%s of node %.8s: {%s\n", b.Collection, b.ID, rest)
	}
	return nil
}

// A coordination server mounts a Handler next to its own handlers, and accepts entries from known
// nodes only.
func Example() {
	private, _ := logtail.ParsePrivateID(strings.Repeat("0b", 32))
	known := map[logtail.PublicID]string{private.Public(): "web"}

	mux := http.NewServeMux()
	mux.Handle("/flows/c/", &receiver.Handler{
		Sink: printer{},
		Authorize: func(r *http.Request, collection string, id logtail.PublicID) error {
			if known[id] == "" {
				return fmt.Errorf("no node %v", id)
			}
			return nil
		},
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	secret, _ := private.MarshalText()
	body := strings.NewReader(`[{"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z"}]`)
	resp, err := http.Post(fmt.Sprintf("%s/flows/c/netlog/%s", server.URL, secret), "application/json", body)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// netlog of node f0e38b83: {"start":"2026-11-22T10:00:00Z","end":"2026-11-22T10:00:05Z"}
	// 200 OK
}
