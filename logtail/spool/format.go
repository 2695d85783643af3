package spool

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/go-netlog/netlog/logtail"
)

// A spool is a directory of
//
//	lock                 empty; the lock on it dies with its process
//	owner                one line of text: whose entries these are
//	cursor               two slots, written in turns
//	0000000000000001.q   a segment, named by the number of its first entry
//	00000000000004d2.q   the next one
//
// All integers are little endian, all checksums CRC-32C (Castagnoli).
//
// A segment is frames and nothing else:
//
//	      0          4          8                8+length
//	      +----------+----------+--- ... --------+
//	1234  | length   | checksum | the entry      |
//	      +----------+----------+--- ... --------+
//	1235  | length   | checksum | the entry      |
//	      +----------+----------+--- ... --------+
//
// The checksum covers (number u64, length u32, entry). The number is not
// stored: it follows from the name and the position, so that a frame that was
// moved, or left over from other times, does not fit its place. A length of 0 is
// invalid, or else a run of zeros, as a file system leaves behind after a power
// cut, could be read as entries.
const (
	frameHeader = 8               // bytes
	minFrame    = frameHeader + 1 // bytes
)

// The cursor file holds two slots, and the valid one of the higher generation
// counts. Only the other one is ever written, in place: a torn write costs the
// news, not the state, and needs no free block on a full disk.
//
//	0          4       8            16      24      32      40               72
//	+----------+-------+------------+-------+-------+-------+----------------+
//	| checksum | flags | generation | head  | next  | known | owner          |
//	+----------+-------+------------+-------+-------+-------+----------------+
//
// The checksum covers all that follows it. Entries before head are done with,
// and next is the number of the next one when the slot was written. Known is how
// many numbers between them have no entry, all of which were told as lost if they
// ever had one: so no loss is told again at each start. The owner is a second copy.
const (
	slotSize   = 72           // bytes
	cursorSize = 2 * slotSize // bytes
	flagClosed = 1            // written by Close: what is missing now went missing since
)

// Names above this are not ours, and so counting on never overflows.
const maxSeq = 1 << 62

func castagnoli(crc uint32, b []byte) uint32 {
	return crc32.Update(crc, crc32.MakeTable(crc32.Castagnoli), b) // the table is made once, by hash/crc32
}

// frameSeed starts the checksum of a frame with what comes before the entry.
func frameSeed(seq uint64, length uint32) uint32 {
	var b [12]byte
	binary.LittleEndian.PutUint64(b[0:], seq)
	binary.LittleEndian.PutUint32(b[8:], length)
	return castagnoli(0, b[:])
}

// appendFrame appends the frame of an entry to dst.
func appendFrame(dst []byte, seq uint64, entry []byte) []byte {
	length := uint32(len(entry))
	dst = binary.LittleEndian.AppendUint32(dst, length)
	dst = binary.LittleEndian.AppendUint32(dst, castagnoli(frameSeed(seq, length), entry))
	return append(dst, entry...)
}

// frameLength returns the size of the frame that header begins, if it can lie
// within limit bytes.
func frameLength(header []byte, limit int64) (size int64, ok bool) {
	length := binary.LittleEndian.Uint32(header)
	size = frameHeader + int64(length)
	return size, length > 0 && size <= limit
}

// openFrame returns the entry of a whole frame, if the checksum fits.
func openFrame(frame []byte, seq uint64) (entry []byte, ok bool) {
	entry = frame[frameHeader:]
	sum := binary.LittleEndian.Uint32(frame[4:])
	return entry, castagnoli(frameSeed(seq, uint32(len(entry))), entry) == sum
}

// slot is one state of the cursor.
type slot struct {
	closed bool
	gen    uint64 // generation
	head   uint64 // the first number that is not done with
	next   uint64 // the number of the next entry
	known  uint64 // numbers from head to next that have no entry, all counted
	owner  logtail.PublicID
}

func (c slot) encode() []byte {
	b := make([]byte, slotSize)
	if c.closed {
		binary.LittleEndian.PutUint32(b[4:], flagClosed)
	}
	binary.LittleEndian.PutUint64(b[8:], c.gen)
	binary.LittleEndian.PutUint64(b[16:], c.head)
	binary.LittleEndian.PutUint64(b[24:], c.next)
	binary.LittleEndian.PutUint64(b[32:], c.known)
	copy(b[40:], c.owner[:])
	binary.LittleEndian.PutUint32(b, castagnoli(0, b[4:]))
	return b
}

func decodeSlot(b []byte) (c slot, ok bool) {
	if len(b) != slotSize || binary.LittleEndian.Uint32(b) != castagnoli(0, b[4:]) {
		return slot{}, false
	}
	c = slot{
		closed: binary.LittleEndian.Uint32(b[4:])&flagClosed != 0,
		gen:    binary.LittleEndian.Uint64(b[8:]),
		head:   binary.LittleEndian.Uint64(b[16:]),
		next:   binary.LittleEndian.Uint64(b[24:]),
		known:  binary.LittleEndian.Uint64(b[32:]),
		owner:  logtail.PublicID(b[40:]),
	}
	return c, c.gen > 0 && 0 < c.head && c.head <= c.next && c.next <= maxSeq
}

// The owner file is one line, for people as well: format version, public ID, and
// the checksum of what stands before it, so that a damaged line is not taken for
// another owner or another version.
//
//	netlog spool 1 <64 hexadecimal digits> <8 hexadecimal digits>
const (
	ownerPrefix  = "netlog spool "
	ownerVersion = "1"
)

func encodeOwner(id logtail.PublicID) []byte {
	s := ownerPrefix + ownerVersion + " " + id.String() + " "
	return fmt.Appendf(nil, "%s%08x\n", s, castagnoli(0, []byte(s)))
}

// decodeOwner returns ok = false for a damaged line, and a version other than
// ownerVersion without the rest of the line, which it cannot know.
func decodeOwner(b []byte) (version string, id logtail.PublicID, ok bool) {
	s, sum, found := cutLast(string(b))
	if !found || sum != fmt.Sprintf("%08x\n", castagnoli(0, []byte(s))) || !strings.HasPrefix(s, ownerPrefix) {
		return "", id, false
	}
	version, digits, _ := strings.Cut(s[len(ownerPrefix):], " ")
	if version != ownerVersion {
		return version, id, true
	}
	raw, err := hex.DecodeString(strings.TrimSuffix(digits, " "))
	return version, id, err == nil && copy(id[:], raw) == len(id) && len(raw) == len(id)
}

// cutLast cuts s after its last space.
func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ' ') + 1
	return s[:i], s[i:], i > 0
}

func segmentName(first uint64) string { return fmt.Sprintf("%016x.q", first) }

// parseSegmentName takes only what segmentName makes: upper case, fewer digits
// or a number out of range is somebody else's file.
func parseSegmentName(name string) (first uint64, ok bool) {
	digits, found := strings.CutSuffix(name, ".q")
	first, err := strconv.ParseUint(digits, 16, 64)
	return first, found && err == nil && first > 0 && first <= maxSeq && segmentName(first) == name
}
