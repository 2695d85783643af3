package receiver_test

import "math/rand/v2"

// noise makes text that hardly compresses.
type noise struct{ *rand.Rand }

func newNoise() noise { return noise{rand.New(rand.NewPCG(1, 2))} }

// line returns n characters.
func (r noise) line(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
