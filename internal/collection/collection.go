// Package collection defines the names of collections, so that nodes, the receiver and
// the command accept the same ones.
package collection

import "errors"

// Check returns an error if name is not valid. A name has 1 to 64 characters of
// [a-zA-Z0-9-_.], the first alphanumeric. Such a name is also one directory, never "." or
// "..", and needs no escaping in a URL.
func Check(name string) error {
	if len(name) == 0 || len(name) > 64 {
		return errors.New("want 1 to 64 characters")
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z':
		case i == 0:
			return errors.New("want a letter or digit first")
		case c != '-' && c != '_' && c != '.':
			return errors.New("want letters, digits, '-', '_' and '.' only")
		}
	}
	return nil
}
