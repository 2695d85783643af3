package logtail

import (
	"testing"

	qt "github.com/frankban/quicktest"
)

func TestBodySizeIsHalvedAndTriedAgain(t *testing.T) {
	c := qt.New(t)
	b := bodySize{limit: maxBody}
	b.tooLarge(200_000)
	c.Check(b.limit, qt.Equals, 100_000)
	b.tooLarge(300_000) // an entry alone: says nothing new
	c.Check(b.limit, qt.Equals, 100_000)
	for range growAfter - 1 {
		b.accepted(90_000)
	}
	c.Check(b.limit, qt.Equals, 100_000)
	b.accepted(90_000)
	c.Check(b.limit, qt.Equals, 200_000)
	for range growAfter - 1 {
		b.accepted(10)
	}
	b.tooLarge(150_000)
	b.accepted(10)
	c.Check(b.limit, qt.Equals, 75_000, qt.Commentf("successes count from the last refusal"))
	for range 10 * growAfter {
		b.accepted(10)
	}
	c.Check(b.limit, qt.Equals, maxBody)
	for range 64 {
		b.tooLarge(b.limit)
	}
	c.Check(b.limit, qt.Equals, minLimit)
}

func TestBodySizeBlamesOnlyIfSmallerAccepted(t *testing.T) {
	c := qt.New(t)
	b := bodySize{limit: maxBody}
	c.Check(b.blames(1<<30), qt.IsFalse)
	b.accepted(1000)
	b.accepted(5000)
	c.Check(b.blames(999), qt.IsFalse)
	c.Check(b.blames(1000), qt.IsFalse)
	c.Check(b.blames(1001), qt.IsTrue)
}
