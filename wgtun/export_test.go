package wgtun

import "time"

// Handshakes returns the last handshakes of the peers of dev.
func Handshakes(dev ConfigSource) (all []time.Time, err error) {
	peers, err := readPeers(dev)
	for _, p := range peers {
		all = append(all, p.LastHandshake)
	}
	return all, err
}

const (
	AskTimeout = askTimeout
	MaxLine    = maxLine
	MaxPeers   = maxPeers
	MaxAllowed = maxAllowed
)
