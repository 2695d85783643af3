package spool

import "fmt"

// Checksum returns the checksum at the end of an owner line.
func Checksum(s string) string { return fmt.Sprintf("%08x", castagnoli(0, []byte(s))) }
