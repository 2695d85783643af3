package main

import (
	"context"
	"fmt"
	"io"
)

// runServe is the command serve.
func runServe(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fmt.Fprintln(stderr, "netlog serve: not built yet")
	return exitFindings
}
