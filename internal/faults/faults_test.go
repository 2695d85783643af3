package faults

import (
	"fmt"
	"testing"
	"time"

	qt "github.com/frankban/quicktest"
)

func TestFaultOnce(t *testing.T) {
	var f Faults
	now := time.Now()
	qt.Check(t, f.Fault(now, 500, "port 1"), qt.IsTrue)
	qt.Check(t, f.Fault(now, 500, "port 22"), qt.IsFalse, qt.Commentf("only a number differs"))
	qt.Check(t, f.Fault(now, 503, "port 1"), qt.IsTrue, qt.Commentf("another status"))
	qt.Check(t, f.Fault(now, 0, "disk"), qt.IsTrue)
	qt.Check(t, f.Fault(now, 500, "port 3"), qt.IsFalse, qt.Commentf("alternating faults"))

	d, tell := f.Success(now.Add(time.Second))
	qt.Check(t, d, qt.Equals, time.Second)
	qt.Check(t, tell, qt.IsTrue)
	_, tell = f.Success(now)
	qt.Check(t, tell, qt.IsFalse)
	qt.Check(t, f.Fault(now.Add(2*time.Second), 500, "port 1"), qt.IsFalse, qt.Commentf("soon after the recovery"))
	f.Success(now.Add(3 * time.Second))
	qt.Check(t, f.Fault(now.Add(time.Hour), 500, "port 1"), qt.IsTrue, qt.Commentf("another outage"))
}

func TestFaultBound(t *testing.T) {
	var f Faults
	logged := 0
	for i := range 100 {
		if f.Fault(time.Now(), 0, fmt.Sprintf("fault %c", 'a'+i)) {
			logged++
		}
	}
	qt.Check(t, logged, qt.Equals, maxFaults)
}
