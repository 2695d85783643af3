package storetest

import "math/rand/v2"

// Noise generates text that hardly compresses.
type Noise struct{ *rand.Rand }

// NewNoise returns a Noise with a fixed seed.
func NewNoise() Noise { return Noise{rand.New(rand.NewPCG(1, 2))} }

// Line returns n letters and digits.
func (r Noise) Line(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
