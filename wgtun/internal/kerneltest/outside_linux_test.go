package kerneltest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-netlog/netlog/internal/traffictest"
	"github.com/go-netlog/netlog/logtail/receiver"
)

// received is an entry as the outside received it.
type received struct {
	ID    string // public ID of the node
	Entry json.RawMessage
}

// outside is a host outside the tunnel. It serves as the receiver, as a machine in the subnet behind
// b, and as one on the internet.
type outside struct {
	mu      sync.Mutex // guards entries
	entries []received
}

// Store implements [receiver.Sink].
func (o *outside) Store(_ context.Context, b receiver.Batch) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range b.Entries {
		o.entries = append(o.entries, received{b.ID.String(), append(json.RawMessage(nil), e...)})
	}
	return nil
}

func runOutside() error {
	o := new(outside)
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", collectorPort))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: &receiver.Handler{Sink: o}, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	defer server.Close()
	stop, err := traffictest.Serve()
	if err != nil {
		return err
	}
	defer stop()
	return serveCommands(func(command) (answer, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		return answer{Records: o.entries}, nil
	})
}
