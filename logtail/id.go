package logtail

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// PrivateID is the identity a node uploads under, and the secret that lets it:
// whoever knows it can write entries in the node's name. It prints as its public
// ID in every form but [PrivateID.MarshalText].
//
// The zero PrivateID is not a valid identity.
type PrivateID [32]byte

// PublicID names a node to those who read its entries: the SHA-256 of its PrivateID.
type PublicID [32]byte

// NewPrivateID returns a fresh random PrivateID.
func NewPrivateID() PrivateID {
	var id PrivateID
	rand.Read(id[:]) // never fails
	return id
}

// Public returns the public ID of id.
func (id PrivateID) Public() PublicID { return sha256.Sum256(id[:]) }

// String returns the public ID, in 64 hexadecimal digits.
func (id PrivateID) String() string { return id.Public().String() }

// MarshalText returns the secret itself, in 64 hexadecimal digits, for storing it.
func (id PrivateID) MarshalText() ([]byte, error) {
	return hex.AppendEncode(nil, id[:]), nil
}

// String returns id in 64 hexadecimal digits.
func (id PublicID) String() string { return hex.EncodeToString(id[:]) }

// ParsePrivateID parses the 64 hexadecimal digits of a PrivateID.
func ParsePrivateID(s string) (PrivateID, error) {
	var id PrivateID
	if len(s) != 2*len(id) {
		return PrivateID{}, errors.New("logtail: a private ID has 64 hexadecimal digits")
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return PrivateID{}, errors.New("logtail: a private ID has 64 hexadecimal digits")
	}
	return id, nil
}
