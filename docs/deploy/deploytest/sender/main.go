// Command sender sends numbered entries, as a program with the library in a pod does.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/spool"
)

func main() {
	url := flag.String("url", "", "base `URL` of the receiver")
	tokenFile := flag.String("token-file", "", "`file` with the token")
	state := flag.String("state", "", "`directory` of the identity")
	queue := flag.String("queue", "", "`directory` of the spool")
	first := flag.Int("first", 0, "`number` of the first entry")
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := send(ctx, *url, *tokenFile, *state, *queue, *first); err != nil {
		log.Fatal(err)
	}
}

// send writes an entry every five milliseconds until ctx ends, and says how many the spool has accepted.
func send(ctx context.Context, url, tokenFile, state, queue string, first int) error {
	id, err := logtail.LoadOrCreatePrivateID(filepath.Join(state, "id"))
	if err != nil {
		return err
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	buffer, err := spool.Open(queue, id.Public(), spool.Options{})
	if err != nil {
		return err
	}
	defer buffer.Close()
	logger, err := logtail.NewLogger(logtail.Config{
		Collection: "netlog", PrivateID: id, BaseURL: url, Buffer: buffer, Logf: log.Printf,
		Header: http.Header{"Authorization": {"Bearer " + strings.TrimSpace(string(token))}},
	})
	if err != nil {
		return err
	}
	fmt.Printf("sending as %v\n", id.Public())
	n := first
	for ; ctx.Err() == nil; n++ {
		if _, err := fmt.Fprintf(logger, `{"n":%d}`, n); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Printf("wrote up to %d\n", n)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return logger.Shutdown(ctx)
}
