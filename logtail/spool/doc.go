// Package spool keeps the entries of a [logtail.Logger] in a directory until the
// server has them, so that they outlive the process, the system and a full disk.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//		"time"
//
//		"github.com/go-netlog/netlog/logtail"
//		"github.com/go-netlog/netlog/logtail/spool"
//	)
//
//	func main() {
//		id, err := logtail.LoadOrCreatePrivateID("node.id")
//		if err != nil {
//			log.Fatal(err)
//		}
//		buffer, err := spool.Open("spool", id.Public(), spool.Options{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		defer buffer.Close() // after the Shutdown of the Logger
//		logger, err := logtail.NewLogger(logtail.Config{Collection: "events", PrivateID: id, Buffer: buffer})
//		if err != nil {
//			log.Fatal(err)
//		}
//		fmt.Fprint(logger, `{"event":"started"}`)
//
//		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
//		defer cancel()
//		if err := logger.Shutdown(ctx); err != nil {
//			log.Print(err) // what was not delivered is kept for the next start
//		}
//	}
//
// A daemon that goes on in memory where it has no disk leaves config.Buffer nil:
// a nil *Spool in it would be a Buffer.
//
// The files hold records of who talked to whom: personal data, readable by the
// owner of the process only (mode 0600, in a directory of mode 0700).
//
// # What a crash leaves
//
// The directory is the truth and the cursor a hint. A segment is only ever added
// to by the process that made it, and never repaired; each frame proves by its
// checksum that it is whole and in its place. So each state below is told apart
// by looking, and opening the directory is the same as recovering it.
//
//   - Killed while writing a frame: the last frame of the newest segment is cut
//     short. Append had not returned, so nothing is missing. The next entry begins
//     a new segment.
//   - Killed between writing and returning from Append: the entry is there, and is
//     delivered. The caller could not know.
//   - Killed between delivery and Ack, or in Ack: the entries are sent again. The
//     server knows them by proc_id and proc_seq.
//   - Killed between writing the cursor and removing a segment: the segment lies
//     below the cursor, and is removed at the next start.
//   - Power cut: what was synced is there (see [Sync]). Behind it the newest segment
//     ends early, or in zeros or old data, which no checksum fits. The cursor may be
//     older than what was removed: what is missing below the oldest segment is taken
//     for delivered. A slot of the cursor may be torn: the other one counts, and what
//     was delivered since is sent again. Entries that were not synced leave no trace; a
//     receiver sees the gap in proc_seq.
//   - Power cut that takes the last entries, but not the cursor that calls them
//     delivered: numbers go on from the cursor, so that no new entry is below it.
//   - A file damaged or removed: the entries behind the damage in that segment are
//     lost, and no others. The numbers in the names of the next segment, or in the
//     cursor, tell how many, and Stats counts them. After a kill, loss at the end of the
//     newest segment can be told only as far as the lengths in it are sound; of one that
//     the disk does not read, all bytes are told and, where nothing says more, one entry.
//   - The cursor lost: everything that is there is sent again. One that the disk
//     does not read is removed before another entry is taken: it must not come back.
//   - The owner lost: the cursor has a copy. Without both, the spool is not opened.
//
// # What a bad disk does
//
// A write that fails is taken back, and the segment ended. Where even that fails,
// its number is left out, so that no later entry can be mixed with the rest of it.
// A full disk refuses new entries and nothing else: the cursor has its blocks from the
// first day. On file systems that never write in place (btrfs, ZFS) the
// acknowledgement can fail too; entries are then sent again after a restart.
// What the process may not read, or lacks memory or open files for, is no damage: it
// is an error until that is mended, and stays.
// A disk that hangs holds up Append, Peek and Ack. Stats, Claim and Release do not
// wait for it, and Close gives up after 2 seconds.
//
// The spool does not watch how much room others have left on the disk. MaxBytes
// is the room that it may take.
//
// Solaris, AIX and Plan 9 have no file lock that serves here: Open fails there with
// [errors.ErrUnsupported].
package spool
