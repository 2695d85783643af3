// Command daemon is a complete small WireGuard daemon with flow logs. It shows what a wireguard-go wrapper adds
// for them. Like wireguard-go, it does not configure the addresses and routes of the interface.
//
//	daemon /etc/vpn.json
//
// On SIGHUP it reads the file again and applies the changes of the peers and of its packet filter. On SIGTERM it ends.
// Secrets are in files, never on the command line.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

func main() {
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: daemon CONFIG") }
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := start(flag.Arg(0)); err != nil {
		log.Fatal(err)
	}
}

func start(path string) error {
	cfg, err := readConfig(path)
	if err != nil {
		return err
	}
	inner, err := tun.CreateTUN(cfg.Interface, device.DefaultMTU)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)

	d, err := newDaemon(cfg, inner, conn.NewDefaultBind())
	if err != nil {
		return err
	}
	log.Printf("flows are logged as %v", d.id)
	for {
		select {
		case <-reload:
			if cfg, err = readConfig(path); err == nil {
				err = d.reconfigure(cfg)
			}
			if err != nil {
				log.Print("not reconfigured: ", err)
			}
		case <-d.dev.Wait(): // the interface is gone
			return d.close()
		case <-ctx.Done():
			return d.close()
		}
	}
}
