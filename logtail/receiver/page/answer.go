package page

// maxBusiest is the number of nodes in the matrix.
const maxBusiest = 12

// answer is the JSON of a query. Times are in Unix milliseconds, all sums are of the range.
type answer struct {
	Now     int64      `json:"now"`
	Step    int64      `json:"step"`  // milliseconds of a step
	First   int64      `json:"first"` // when the first step of the series begins
	Classes []classSum `json:"classes"`
	Flows   []flowSum  `json:"flows"`   // as many as asked for
	Matched int        `json:"matched"` // flows in all
	Matrix  matrix     `json:"matrix"`
	Nodes   []nodeSum  `json:"nodes"`
	Notes   notes      `json:"notes"`
}

// classSum is the traffic of a class.
type classSum struct {
	Class  string   `json:"class"`
	Flows  int      `json:"flows"`
	Bytes  uint64   `json:"bytes"`
	Pkts   uint64   `json:"pkts"`
	Series []uint64 `json:"series"` // bytes in each step
}

// flowSum is one flow, from the side that began it.
type flowSum struct {
	Class   string `json:"class"`
	Proto   string `json:"proto,omitempty"`
	State   string `json:"state,omitempty"`
	Src     side   `json:"src"`
	Dst     side   `json:"dst"`
	TxBytes uint64 `json:"txBytes"`
	RxBytes uint64 `json:"rxBytes"`
	TxPkts  uint64 `json:"txPkts"`
	RxPkts  uint64 `json:"rxPkts"`
	Other   bool   `json:"other,omitempty"`   // the sum of flows that did not fit
	AtLeast bool   `json:"atLeast,omitempty"` // a part of it may be in that sum
}

// side is a side of a flow.
type side struct {
	Name string `json:"name,omitempty"`
	ID   string `json:"id,omitempty"` // of the node, if it sends entries
	Addr string `json:"addr,omitempty"`
	Port uint16 `json:"port,omitempty"`
}

// matrix has the bytes that the busiest nodes sent to each other, without physical and denied traffic.
type matrix struct {
	Nodes []string   `json:"nodes"`
	Bytes [][]uint64 `json:"bytes"` // from each of Nodes to each
	More  int        `json:"more"`  // nodes left out
}

// nodeSum is a node that sent entries.
type nodeSum struct {
	Name    string `json:"name"`
	ID      string `json:"id"`
	Seen    int64  `json:"seen"`
	Skew    int64  `json:"skew"` // of its clock, in milliseconds; the delay of sending makes it smaller
	Gaps    int64  `json:"gaps"`
	Dropped uint64 `json:"dropped"`
	TxBytes uint64 `json:"txBytes"`
	RxBytes uint64 `json:"rxBytes"`
}
