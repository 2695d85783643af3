package logtail

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// PrivateID is the secret identity of a node. Anyone who knows it can write entries in the
// name of the node.
//
// Packages fmt and slog print a PrivateID as its public ID. There are two exceptions: fmt
// prints the secret for the verbs %p and %w, which vet reports, and for a PrivateID in an
// unexported field, since fmt calls no methods on those. A struct that may be printed should
// hold a PrivateID in an exported field or by pointer.
//
// MarshalText returns the secret, so encoding/json writes it too. [LoadOrCreatePrivateID]
// keeps a PrivateID in a file.
//
// The zero PrivateID is not a valid identity.
type PrivateID [32]byte

// PublicID is the identity of a node to those who read its entries: the SHA-256 of its
// PrivateID. It is not secret.
type PublicID [32]byte

var (
	errPrivateID = errors.New("a private ID has 64 hexadecimal digits and is not all zeros")
	errPublicID  = errors.New("logtail: a public ID has 64 hexadecimal digits")
)

// NewPrivateID returns a fresh random PrivateID.
func NewPrivateID() PrivateID {
	var id PrivateID
	rand.Read(id[:]) // never fails
	return id
}

// ParsePrivateID parses the 64 hexadecimal digits of a PrivateID. The error does not contain s.
func ParsePrivateID(s string) (PrivateID, error) {
	var id PrivateID
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// Public returns the public ID of id.
func (id PrivateID) Public() PublicID { return sha256.Sum256(id[:]) }

// String returns the public ID, in 64 hexadecimal digits.
func (id PrivateID) String() string { return id.Public().String() }

// Format implements [fmt.Formatter]. For every verb it writes the public ID.
func (id PrivateID) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", id.String())
		return
	}
	io.WriteString(f, id.String())
}

// LogValue implements [slog.LogValuer] with the public ID.
func (id PrivateID) LogValue() slog.Value { return slog.StringValue(id.String()) }

// MarshalText returns the secret itself, in 64 hexadecimal digits, for storing it.
func (id PrivateID) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, id[:]), nil
}

// UnmarshalText sets id to the ID that MarshalText returned as text. On an error, id is
// unchanged. The error does not contain text.
func (id *PrivateID) UnmarshalText(text []byte) error {
	parsed, ok := parseID(text)
	if !ok || parsed == [32]byte{} {
		return fmt.Errorf("logtail: %w", errPrivateID)
	}
	*id = parsed
	return nil
}

// ParsePublicID parses the 64 hexadecimal digits of a PublicID.
func ParsePublicID(s string) (PublicID, error) {
	var id PublicID
	err := id.UnmarshalText([]byte(s))
	return id, err
}

// String returns id in 64 hexadecimal digits.
func (id PublicID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns id in 64 hexadecimal digits.
func (id PublicID) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, id[:]), nil
}

// UnmarshalText sets id to the ID that MarshalText returned as text. On an error, id is unchanged.
func (id *PublicID) UnmarshalText(text []byte) error {
	parsed, ok := parseID(text)
	if !ok {
		return errPublicID
	}
	*id = parsed
	return nil
}

func parseID(text []byte) (id [32]byte, ok bool) {
	if len(text) != hex.EncodedLen(len(id)) {
		return id, false
	}
	_, err := hex.Decode(id[:], text)
	return id, err == nil
}

// LoadOrCreatePrivateID returns the PrivateID in the file at path. If the file does not
// exist, it creates one with a random ID. The directory must exist.
//
// The file contains 64 hexadecimal digits and a newline. It is created atomically with mode
// 0600, and synced to disk before LoadOrCreatePrivateID returns. Processes that start at the
// same time get the same ID. Any other content is an error, whose text does not contain it;
// the file is not changed. The mode of an existing file is not checked, because container systems
// mount secrets with modes of their own.
func LoadOrCreatePrivateID(path string) (PrivateID, error) {
	if path == "" {
		return PrivateID{}, errors.New("logtail: keeping a private ID: path: is empty")
	}
	id, err := loadPrivateID(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id = NewPrivateID()
	err = createPrivateID(path, &id, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return loadPrivateID(path) // another process was faster
	}
	if err != nil {
		return PrivateID{}, fmt.Errorf("logtail: keeping a private ID: %w", err)
	}
	return id, nil
}

func loadPrivateID(path string) (PrivateID, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return PrivateID{}, fmt.Errorf("logtail: loading a private ID: %w", err)
	}
	var id PrivateID
	if id.UnmarshalText(bytes.TrimSpace(text)) != nil {
		return PrivateID{}, fmt.Errorf("logtail: file %s: %w", path, errPrivateID)
	}
	return id, nil
}

// createPrivateID writes a temporary file and links it to path, which fails if path exists. A
// rename would replace the ID of another process. link is [os.Link], which some file systems do
// not support. id is a pointer, so that a traceback does not print the ID.
func createPrivateID(path string, id *PrivateID, link func(from, to string) error) (err error) {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); err != nil {
		return err // the error of CreateTemp would name the temporary file
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".tmp*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	text, _ := id.MarshalText() // never fails
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = link(f.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Without hard links, only the race of two processes is not prevented.
		if _, statErr := os.Lstat(path); statErr == nil {
			return fs.ErrExist
		}
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	if d, err := os.Open(dir); err == nil {
		d.Sync() // some systems cannot sync directories
		d.Close()
	}
	return nil
}
