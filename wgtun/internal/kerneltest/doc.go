// Package kerneltest tests wgtun with kernel TUN devices: nodes in network
// namespaces of the test's own, joined by veth pairs, each a process of its own.
// It holds no code but tests, which need root, /dev/net/tun and the ip tool.
package kerneltest
