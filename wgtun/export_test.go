package wgtun

const (
	AskTimeout = askTimeout
	MaxLine    = maxLine
	MaxPeers   = maxPeers
	MaxAllowed = maxAllowed
)
