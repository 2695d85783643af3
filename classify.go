package netlog

// ExitPolicy says what is written of exit traffic.
type ExitPolicy uint8

const (
	ExitTotals ExitPolicy = iota // all exit traffic of a window is one entry without protocol, address or port
	ExitByNode                   // one entry per known side, the other side, ports and protocol removed
	ExitFull                     // everything
)
