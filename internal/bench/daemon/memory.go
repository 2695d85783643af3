//go:build netlog && !spool

package main

import "github.com/go-netlog/netlog/logtail"

func buffer(logtail.PublicID) logtail.Buffer { return nil }
