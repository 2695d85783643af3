// Package kerneltest tests wgtun with kernel TUN devices. Its nodes are processes in network namespaces of the test,
// joined by veth pairs. The tests need root, /dev/net/tun and the ip tool.
package kerneltest
