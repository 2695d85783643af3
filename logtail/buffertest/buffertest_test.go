package buffertest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	qt "github.com/frankban/quicktest"

	"github.com/go-netlog/netlog/logtail"
	"github.com/go-netlog/netlog/logtail/buffertest"
)

// The rules, as TestBuffer names them.
const (
	empty      = "an empty buffer has nothing"
	order      = "entries come back in order and unchanged"
	copies     = "append copies the entry"
	peekBounds = "peek takes at most limit bytes but at least one entry"
	peekStable = "peek answers the same until ack"
	ack        = "ack removes a prefix, once"
	full       = "a full buffer drops the oldest and counts them exactly"
	inFlight   = "an entry dropped in flight is not counted twice"
	tooLarge   = "an entry that cannot fit harms no other"
	emptyEntry = "an empty entry is an error"
	model      = "any sequence of calls agrees with a list"
	concurrent = "writers and a reader work at once"
	claim      = "one logger at a time"
	another    = "another identity gets the buffer, or an error that says why not"
	told       = "each logger reports the drops that no other one has reported"
)

// faults are what a Buffer can do wrong, with rules that it then breaks.
var faults = []struct {
	name  string
	rules []string
}{
	{"Append fails", []string{order, copies, model, concurrent}},
	{"Append keeps the slice", []string{copies}},
	{"an empty entry is taken", []string{emptyEntry}},
	{"a large entry is taken", []string{tooLarge}},
	{"a large entry pushes out others", []string{tooLarge}},
	{"entries are lost", []string{order, full, model}},
	{"a byte is changed", []string{order, copies, model, concurrent}},
	{"the order is changed", []string{order, model}},
	{"the bound is passed", []string{full, inFlight, model}},
	{"the newest is dropped", []string{full, inFlight, model}},
	{"too much is dropped", []string{full}},
	{"drops are not counted", []string{full, model}},
	{"dropped bytes are counted wrong", []string{full}},
	{"what is dropped is overwritten", []string{inFlight}},
	{"Peek fails", []string{empty, order, model, concurrent}},
	{"Peek passes max", []string{peekBounds}},
	{"Peek shows nothing that is larger than max", []string{peekBounds, model}},
	{"Peek shows nothing at all", []string{order, model, concurrent}},
	{"Peek shows others each time", []string{peekStable, model}},
	{"the token changes", []string{peekStable}},
	{"Ack fails", []string{empty, order, ack, model, concurrent}},
	{"Ack removes nothing", []string{order, ack, model, concurrent}},
	{"Ack removes too much", []string{ack, model}},
	{"Ack removes again", []string{ack, model}},
	{"Ack of what was dropped removes others", []string{inFlight, model}},
	{"what is acknowledged counts as dropped", []string{ack, full, model}},
	{"Stats count one too many", []string{empty, order, model}},
	{"Stats know no bytes", []string{order, model}},
	{"Stats know no bound", []string{empty, full}},
	{"Stats begin with a drop", []string{empty}},
	{"it serves two", []string{claim}},
	{"it is never released", []string{claim}},
	{"it refuses others for no reason", []string{another}},
	{"a second Logger tells the drops again", []string{told}},
	{"Claim forgets drops that nobody told", []string{told}},
}

func TestCorrectListPasses(t *testing.T) {
	buffertest.TestBuffer(t, func(_ *testing.T, maxBytes int64) logtail.Buffer { return &list{max: maxBytes} })
}

const childEnv = "NETLOG_TEST_CHILD" // run what has to fail

// TestBroken is the process in which the next test has it fail.
func TestBroken(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("runs as the child of TestFaultsFound")
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			buffertest.TestBuffer(t, func(_ *testing.T, maxBytes int64) logtail.Buffer {
				return &list{fault: fault.name, max: maxBytes}
			})
		})
	}
}

func TestFaultsFound(t *testing.T) {
	exe, err := os.Executable()
	qt.Assert(t, err, qt.IsNil)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestBroken$")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, _ := cmd.CombinedOutput()
	qt.Assert(t, cmd.ProcessState.ExitCode(), qt.Equals, 1, qt.Commentf("%s", out))
	for _, fault := range faults {
		for _, rule := range fault.rules {
			failed := "--- FAIL: TestBroken/" + strings.ReplaceAll(fault.name+"/"+rule, " ", "_") + " "
			qt.Check(t, strings.Contains(string(out), failed), qt.IsTrue, qt.Commentf("%s: it keeps the rule: %s", fault.name, rule))
		}
	}
}
