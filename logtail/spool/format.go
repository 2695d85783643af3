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
//	lock                 empty; its lock ends with the process
//	owner                one line of text: the owner of the entries
//	cursor               two slots, written alternately
//	0000000000000001.q   a segment, named by the number of its first entry
//	00000000000004d2.q   the next one
//
// All integers are little endian, all checksums CRC-32C (Castagnoli).
//
// A segment is a sequence of frames:
//
//	      0          4          8                8+length
//	      +----------+----------+--- ... --------+
//	1234  | length   | checksum | the entry      |
//	      +----------+----------+--- ... --------+
//	1235  | length   | checksum | the entry      |
//	      +----------+----------+--- ... --------+
//
// The checksum covers (number u64, length u32, entry). The number is not stored. It follows from the
// name of the file and the position of the frame, so that a frame which was moved, or remains from
// an older file, does not match. A length of 0 is invalid, because file systems may leave zeros
// after a power cut.
const (
	frameHeader = 8               // bytes
	minFrame    = frameHeader + 1 // bytes
)

// The cursor file has two slots. The valid slot with the higher generation is used. Only the other slot is
// written, in place, so a torn write leaves the old state, and no free block is needed.
//
//	0          4       8            16      24      32      40               72
//	+----------+-------+------------+-------+-------+-------+----------------+
//	| checksum | flags | generation | head  | next  | known | owner          |
//	+----------+-------+------------+-------+-------+-------+----------------+
//
//	72             80     88              96       104    112        116    120
//	+--------------+------+---------------+--------+------+----------+------+
//	| lost entries | bytes | report number | entries | bytes | checksum | zero |
//	+--------------+------+---------------+--------+------+----------+------+
//
// The checksum covers everything after it. Entries before head are delivered or dropped, and next was
// the number of the next entry when the slot was written. known counts the numbers between them that
// have no entry and were already counted as lost, so that they are not counted at each start. The
// owner is a second copy. lost and report are the ledger.
const (
	slotSize   = 120          // bytes
	cursorSize = 2 * slotSize // bytes
	flagClosed = 1            // written by Close: entries that are missing now went missing after it
)

// Larger names are not ours, so that numbers never overflow.
const maxSeq = 1 << 62

func castagnoli(crc uint32, b []byte) uint32 {
	return crc32.Update(crc, crc32.MakeTable(crc32.Castagnoli), b) // hash/crc32 makes this table only once
}

// frameSeed returns the checksum of the number and the length of a frame.
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

// frameLength returns the size of the frame with the given header, if it fits into limit bytes.
func frameLength(header []byte, limit int64) (size int64, ok bool) {
	length := binary.LittleEndian.Uint32(header)
	size = frameHeader + int64(length)
	return size, length > 0 && size <= limit
}

// frameSum returns the checksum in a frame or its header.
func frameSum(frame []byte) uint32 { return binary.LittleEndian.Uint32(frame[4:]) }

// openFrame returns the entry of a complete frame, if the checksum matches.
func openFrame(frame []byte, seq uint64) (entry []byte, ok bool) {
	entry = frame[frameHeader:]
	return entry, castagnoli(frameSeed(seq, uint32(len(entry))), entry) == frameSum(frame)
}

// slot is the content of a slot of the cursor.
type slot struct {
	closed bool
	gen    uint64 // generation
	head   uint64 // the number of the first entry that is not delivered or dropped
	next   uint64 // the number of the next entry
	known  uint64 // numbers from head to next without an entry, all counted as lost
	owner  logtail.PublicID
	ledger ledger
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
	c.ledger.encode(b[72:])
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
		owner:  logtail.PublicID(b[40:72]),
		ledger: decodeLedger(b[72:]),
	}
	return c, c.gen > 0 && 0 < c.head && c.head <= c.next && c.next <= maxSeq && c.ledger.valid()
}

// The owner file is a readable line with the format version, the public ID, and a checksum of the
// text before it, so that a damaged line is not mistaken for another owner or version.
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

// decodeOwner returns ok = false for a damaged line. For a version other than ownerVersion it returns
// only the version, since it does not know the rest of the line.
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

// parseSegmentName accepts only names made by segmentName. A file with upper case letters, fewer
// digits or a number out of range is not ours.
func parseSegmentName(name string) (first uint64, ok bool) {
	digits, found := strings.CutSuffix(name, ".q")
	first, err := strconv.ParseUint(digits, 16, 64)
	return first, found && err == nil && first > 0 && first <= maxSeq && segmentName(first) == name
}
