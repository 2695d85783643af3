// Package netlog gives a VPN or tunnel daemon network flow logs, sent to a
// server of its owner's choice.
package netlog
