package logtail

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// PrivateID is the secret identity of a node. Anyone who knows it can write entries in the
// name of the node.
//
// A PrivateID is formatted as its public ID by slog and by all verbs of fmt but %p and %w,
// which vet reports. But package fmt calls no methods on unexported fields. A struct that may
// be printed should hold a PrivateID in an exported field or by pointer.
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

// ParsePrivateID parses the 64 hexadecimal digits of a PrivateID. The error does
// not show s.
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

// UnmarshalText sets id to what MarshalText returned. On an error, which does not
// show text, id is unchanged.
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

// UnmarshalText sets id to what MarshalText returned. On an error id is unchanged.
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
