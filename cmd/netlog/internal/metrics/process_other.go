//go:build !linux

package metrics

// system adds nothing.
func (t *Text) system() {}
