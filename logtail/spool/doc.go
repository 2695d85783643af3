// Package spool keeps the entries of a [logtail.Logger] on disk until the server
// has them, so that they survive the process, the system and a full disk.
package spool
