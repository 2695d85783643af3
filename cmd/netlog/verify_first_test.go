package main

import (
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

// TestVerifyTakesANodeThatComesLateBehindAHub: the hub was there to see the packets,
// but it is no end of the flow.
func TestVerifyTakesANodeThatComesLateBehindAHub(t *testing.T) {
	m := hubAndSpoke()
	m.node("spoke2").phase = 23 * time.Second
	qt.Check(t, verifyLines(t, finished(m)).findings, qt.HasLen, 0)
}
