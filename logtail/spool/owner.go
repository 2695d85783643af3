package spool

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-netlog/netlog/logtail"
)

const ownerName = "owner"

// checkOwner returns an error if the entries belong to another or an unknown identity. Otherwise it
// writes the owner file, if it is missing.
func (s *Spool) checkOwner(segments int) error {
	version, id, ok, err := s.readOwner()
	found := s.cursor.slot
	switch {
	case err != nil:
		return err
	case ok && version != ownerVersion:
		return fmt.Errorf("the directory has format %q, not %s", version, ownerVersion)
	case ok && id != s.owner:
		return fmt.Errorf("%w, %v and not %v", ErrOwner, id, s.owner)
	case found.gen > 0 && found.owner != s.owner:
		return fmt.Errorf("%w, %v and not %v", ErrOwner, found.owner, s.owner)
	case ok:
		return nil
	case found.gen == 0 && segments > 0:
		return fmt.Errorf("%w: none is recorded", ErrOwner)
	}
	err = s.writeOwner()
	if err != nil && found.gen > 0 { // the copy in the cursor suffices
		s.logLater("spool: the owner was not written: %v", err)
		return nil
	}
	return err
}

// readOwner returns the content of the owner file. A file that the disk cannot read counts as missing.
func (s *Spool) readOwner() (version string, id logtail.PublicID, ok bool, err error) {
	b := make([]byte, 2*len(encodeOwner(s.owner)))
	n := 0
	f, err := s.disk.Open(ownerName, os.O_RDONLY)
	if err == nil {
		n, err = f.ReadAt(b, 0)
		f.Close() // nothing was written to it
	}
	if isTransient(err) {
		return "", id, false, err
	}
	version, id, ok = decodeOwner(b[:n])
	return version, id, ok, nil
}

// writeOwner writes and syncs the owner file, under every policy, since entries without an owner are
// lost.
func (s *Spool) writeOwner() error {
	f, err := s.disk.Open(ownerName, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	line := encodeOwner(s.owner)
	_, err = f.WriteAt(line, 0)
	if err == nil {
		err = f.Truncate(int64(len(line)))
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.disk.Sync()
	}
	return err
}
