// Package wgtun counts the packets of a wireguard-go device.
package wgtun
