package killtest_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/internal/killtest"
)

func TestMain(m *testing.M) {
	killtest.Run(func(args []string) error {
		if args[0] == "fail" {
			return os.ErrPermission
		}
		for n := 0; ; n++ {
			fmt.Println("step", n, args)
		}
	})
	os.Exit(m.Run())
}

func TestKillAfterYieldsLinesToTheEnd(t *testing.T) {
	steps := 0
	for word, rest := range killtest.Start(t, "go", "on").KillAfter(5) {
		qt.Assert(t, word+" "+rest, qt.Equals, "step "+strconv.Itoa(steps)+" [go on]")
		steps++
	}
	qt.Check(t, steps >= 5, qt.IsTrue, qt.Commentf("%d steps", steps))
}

func TestRunPrintsError(t *testing.T) {
	word, rest, ok := killtest.Start(t, "fail").Line()
	qt.Check(t, ok, qt.IsTrue)
	qt.Check(t, word+" "+rest, qt.Equals, "error permission denied")
}
