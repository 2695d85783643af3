// Package spool keeps the entries of a [logtail.Logger] in a directory until the server has
// accepted them, so that they survive crashes, restarts and a full disk.
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
// A daemon without a disk can leave logtail.Config.Buffer nil to buffer in memory. Do not assign
// a nil *Spool, since the interface would not be nil.
//
// The files contain records of who talked to whom, which are personal data. Only the user that
// runs the process can read them: files have mode 0600. A directory that [Open] creates has mode
// 0700. One that exists keeps its mode, but Open may remove the write permission of its group.
//
// # After a crash
//
// The entries are stored in segment files, each entry in a frame with a checksum. A cursor file
// records which entries are delivered. Only the process that created a segment appends to it,
// and no segment is ever repaired. The checksum of a frame proves that it is complete and at the
// right position. So opening a directory is the same as recovering it, and each of these states is
// recognized:
//
//   - Killed while writing a frame: the last frame of the newest segment is incomplete.
//     Append had not returned, so nothing is missing. The next entry begins a new segment.
//   - Killed between writing and returning from Append: the entry is stored and will be
//     delivered, although the caller did not learn it.
//   - Killed between delivery and Ack, or during Ack: the entries are sent again. The server
//     recognizes them by proc_id and proc_seq.
//   - Killed between writing the cursor and removing a segment: the segment lies before the
//     cursor, and the next Open removes it.
//   - Power cut: entries that were synced are kept; see [Sync]. After them the newest segment may
//     end early, or contain zeros or old data, which fail the checksum. The cursor may be from
//     before a segment was removed. So entries missing before the oldest segment count as
//     delivered, not as lost. If a slot of the cursor is torn, the other slot is used, and entries
//     delivered since are sent again. Entries that were not synced leave no trace, but a receiver
//     sees the gap in proc_seq.
//   - Power cut that loses the last entries, but not the cursor that marks them as delivered:
//     numbering continues from the cursor, so that no new entry lies before it.
//   - A file is damaged or removed: the entries after the damage in that segment are lost, and
//     no others. The numbers in the name of the next segment, or in the cursor, show how many,
//     and Stats counts them. After a kill, no number shows a loss at the end of the newest
//     segment. Stats then counts the entries up to the first frame whose length is damaged. If
//     the disk cannot read that segment, Stats counts at least one entry, and all bytes after
//     the last readable entry.
//   - The cursor is lost: all stored entries are sent again. A cursor that the disk cannot read
//     is removed before another entry is accepted, so that it cannot come back.
//   - Killed while entries are dropped or refused: the cursor also counts the losses that are not
//     reported yet. It is written before a segment is dropped, and before the Write of a Logger
//     returns an error. The report is itself an entry. One write of the cursor marks it as
//     delivered and clears the counts in it. So the next Logger reports each loss once. The
//     exception is an entry whose Write had not returned: if it is lost, it may not be counted. A
//     receiver sees a report twice, with the same proc_seq, if the process was killed between
//     delivery and Ack.
//   - Power cut that loses the last writes of the cursor: the losses since are not reported, except
//     with [Always], or a report is repeated.
//   - The owner is lost: the cursor has a copy. Without both, the spool cannot be opened.
//
// # If somebody removes the files
//
// A write to a removed file succeeds and is lost. So Append, Peek and Close check that the lock, the
// cursor and the segment being written are still in the directory, and otherwise create them again,
// with the directory if necessary. Entries of a removed file that the Spool still has open are copied;
// entries of other removed files are counted and reported as lost. If another process uses the
// directory by then, the Spool counts all its entries as lost, writes nothing more, and Append returns
// [ErrLocked]. A directory that was moved stays in use where it is. Windows does not remove open files.
//
// # On a bad disk
//
// A failed write is undone and the segment closed. If undoing fails too, the number is skipped,
// so that no later entry can be confused with the remains. A full disk refuses new entries and
// nothing else, because the blocks of the cursor are allocated from the start: deliveries and losses
// are recorded in place. On file systems that never write in place (btrfs, ZFS), this can fail as well;
// after a restart entries are then sent again, and losses that could not be recorded are not reported.
// If the disk fails in another way, the losses of the last minute may be only in memory. A file that the
// process may not read, or for which it lacks memory or file descriptors, is not damaged: the error
// lasts until its cause is removed, and the file stays. A disk that hangs delays Append, Peek and Ack.
// Stats, Claim and Release do not wait for it, and Close gives up after 2 seconds.
//
// MaxBytes limits the space of the spool. It does not depend on the free space of the disk.
//
// Solaris, AIX and Plan 9 have no suitable file locks: Open returns an error that wraps
// [errors.ErrUnsupported].
package spool
