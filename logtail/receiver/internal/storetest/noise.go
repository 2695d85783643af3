package storetest

import "math/rand/v2"

// Noise makes text that hardly compresses.
type Noise struct{ *rand.Rand }

// NewNoise returns the same Noise each time.
func NewNoise() Noise { return Noise{rand.New(rand.NewPCG(1, 2))} }

// Line returns n characters.
func (r Noise) Line(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
