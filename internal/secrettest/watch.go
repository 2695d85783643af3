package secrettest

import (
	"io"
	"os"
)

// Watch looks for secrets in all that is printed while run runs, the output of the
// tests themselves included, and fails when it finds one. TestMain calls it. What the
// tests put into files belongs to them alone.
func Watch(run func() int) (code int) {
	ownFiles()
	for _, std := range []**os.File{&os.Stdout, &os.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		found := make(chan string, 1)
		old := *std
		go func() { found <- copyWatched(old, r) }()
		defer func() {
			*std = old
			w.Close()
			if secret := <-found; secret != "" {
				io.WriteString(old, "\nFAIL: the output above shows "+secret+"\n")
				code = max(code, 1)
			}
		}()
		*std = w
	}
	return run()
}

// copyWatched copies r to w and returns the first secret in it, or nothing.
func copyWatched(w io.Writer, r io.Reader) (secret string) {
	const overlap = 256 // bytes: a secret may come in two pieces
	buf := make([]byte, 0, 64<<10)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		w.Write(buf[len(buf) : len(buf)+n])
		buf = buf[:len(buf)+n]
		if secret == "" {
			secret = Find(buf)
		}
		buf = append(buf[:0], buf[max(0, len(buf)-overlap):]...)
		if err != nil {
			return secret
		}
	}
}
