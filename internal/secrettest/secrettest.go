// Package secrettest finds secrets in what tests print, return and store.
//
// All private IDs that tests make with [NewID] begin with the same bytes, and all
// tokens are [Token]. So any text or file, of any test, can be searched for the
// secrets of all of them. [Watch] does so with all that a test binary prints;
// tests do so with errors, files and bodies.
package secrettest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-netlog/netlog/logtail"
)

const (
	// Marker begins each private ID: a pattern that comes by accident nowhere.
	Marker = "\xd1\x7a\x3c\x95\x0e\xb8\x66\xf2\x49\x8d\x21\xe7\xb4\x5f\x90\x0c\xc3\x78\xae\x13\xdb\x64\x2f\x97"

	// Token is the secret in headers and URLs.
	Token = "tok-8f3a91c5d2e7"
)

// NewID returns a fresh private ID that Find knows.
func NewID() logtail.PrivateID {
	id := logtail.NewPrivateID()
	copy(id[:], Marker)
	return id
}

// Find says which secret text holds, or a piece of it, or returns nothing.
func Find(text []byte) string {
	lower := bytes.ToLower(text)
	if bytes.Contains(lower, []byte(Token)) {
		return "the token"
	}
	digits := hex.EncodeToString([]byte(Marker))
	for i := range len(digits) - 15 {
		if bytes.Contains(lower, []byte(digits[i:i+16])) {
			return "an ID in hexadecimal digits"
		}
	}
	for i := range len(Marker) - 7 {
		piece := Marker[i : i+8]
		decimal := strings.Trim(fmt.Sprint([]byte(piece)), "[]")
		source := strings.TrimSuffix(fmt.Sprintf("%#v", []byte(piece)), "}")[len("[]byte{"):]
		for _, form := range []string{piece, decimal, strings.ReplaceAll(decimal, " ", ","), strings.ReplaceAll(decimal, " ", ", "), source} {
			if bytes.Contains(text, []byte(form)) {
				return "the bytes of an ID"
			}
		}
	}
	return ""
}

// Check fails the test where text holds a secret.
func Check(t testing.TB, where, text string) {
	t.Helper()
	if secret := Find([]byte(text)); secret != "" {
		t.Errorf("%s shows %s", where, secret)
	}
}

// CheckFiles looks for secrets in the files below dir and in their names, but not in
// those that tests keep secrets in on purpose, and returns how many it looked at.
func CheckFiles(t testing.TB, dir string, except ...string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		for _, name := range except {
			if d.Name() == name {
				return nil
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		Check(t, path, string(b))
		Check(t, "a file name", path)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return files
}
