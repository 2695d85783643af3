package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// readNames reads a file of addresses and names in the format of /etc/hosts: an address, its
// name, and further names that are not used. An empty path is an empty file.
func readNames(path string) (map[netip.Addr]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	names := make(map[netip.Addr]string)
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil || len(fields) < 2 {
			return nil, fmt.Errorf("%s:%d: want an address and a name", path, n)
		}
		names[addr.Unmap().WithZone("")] = fields[1]
	}
	return names, nil
}
