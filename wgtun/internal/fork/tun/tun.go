// Package tun has the Device of a fork of wireguard-go: with the methods of the original, but types of its own. It is for
// tests.
package tun

import "os"

// Event is a type of the fork.
type Event int

// Device has the methods of the Device of wireguard-go, but its Events are others. So neither is the other.
type Device interface {
	File() *os.File
	Read(bufs [][]byte, sizes []int, offset int) (n int, err error)
	Write(bufs [][]byte, offset int) (int, error)
	MTU() (int, error)
	Name() (string, error)
	Events() <-chan Event
	Close() error
	BatchSize() int
}
