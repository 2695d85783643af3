package osfile

import (
	"io/fs"
	"strings"
)

// Text returns the text of err for the user of a command. A [*fs.PathError] in it becomes
// "flows: no such file or directory", without the name of the system call that failed.
func Text(err error) string {
	text := err.Error()
	eachPathError(err, func(e *fs.PathError) {
		name := e.Path + ": "
		text = strings.Replace(text, e.Error(), name+e.Err.Error(), 1)
		text = strings.Replace(text, name+name, name, 1) // err may name the file too
	})
	return text
}

// eachPathError calls do for each error that err wraps and that is a [*fs.PathError].
func eachPathError(err error, do func(*fs.PathError)) {
	switch e := err.(type) {
	case *fs.PathError:
		do(e)
	case interface{ Unwrap() error }:
		eachPathError(e.Unwrap(), do)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			eachPathError(err, do)
		}
	}
}
