package spool

import "fmt"

// Checksum is that at the end of an owner line.
func Checksum(s string) string { return fmt.Sprintf("%08x", castagnoli(0, []byte(s))) }
