// Package deploytest runs what docs/deploy has: the manifests of Kubernetes in a container runtime, with volumes
// mounted as the kubelet does, and the units in systemd. There is no cluster and no network but loopback.
//
// It is a module of its own because it needs the types of Kubernetes. The tests have no other content:
//
//	NETLOG_DEPLOY=1 GOWORK=off go test -v .
package deploytest
