package logtail_test

import (
	"testing"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/buffertest"
)

func TestMemoryBuffer(t *testing.T) {
	buffertest.TestBuffer(t, func(t *testing.T, maxBytes int64) logtail.Buffer {
		return logtail.NewMemoryBuffer(maxBytes)
	})
}
