package status

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
)

// A snapshot is what outlives the exporter: of each target its last state, changes, quarters of an hour and days, and the
// events. It begins with the magic and ends with a CRC-32C of all before. Words are written out: lists grow.
const snapshotMagic = "HCSTATUS1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodedAtOnce is how many targets are encoded while the end of a probe has to wait: for a millisecond or two.
const encodedAtOnce = 256

// snapshot encodes all that a later exporter should know. Probes go on meanwhile: each target is as it is at some moment.
func (t *Tracker) snapshot() ([]byte, error) {
	t.mu.Lock()
	names := slices.Sorted(maps.Keys(t.listed))
	last, kept := t.events.last, slices.Clone(t.events.kept)
	t.mu.Unlock()
	var targets encoder
	n := 0
	for some := range slices.Chunk(names, encodedAtOnce) {
		n += t.encode(&targets, some)
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("encoding the events: %w", err)
	}
	e := encoder(snapshotMagic)
	e.number(uint64(n)) //nolint:gosec // it counts
	e = append(e, targets...)
	e.number(last)
	e.text(string(text))
	return binary.LittleEndian.AppendUint32(e, crc32.Checksum(e, castagnoli)), nil
}

// encode encodes those of the targets that are still known, and returns how many they are.
func (t *Tracker) encode(e *encoder, names []string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		if known := t.listed[name]; known != nil {
			e.text(name)
			known.encode(e)
			n++
		}
	}
	return n
}

// errDamaged is returned for bytes that no snapshot has.
var errDamaged = errors.New("it is damaged")

// restore takes over a snapshot, or nothing of it.
func (t *Tracker) restore(b []byte) error {
	if len(b) < len(snapshotMagic)+4 || string(b[:len(snapshotMagic)]) != snapshotMagic {
		return fmt.Errorf("it does not begin with %q", snapshotMagic)
	}
	body := b[:len(b)-4]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[len(b)-4:]) {
		return errDamaged
	}
	d := &decoder{rest: body[len(snapshotMagic):]}
	n := d.count(len(d.rest))
	listed := map[string]*track{} // without room for n, which says nothing
	for range n {
		name := d.text()
		kept := &track{}
		kept.decode(d)
		listed[name] = kept
	}
	all := events{last: d.number()}
	if text := d.text(); !d.damaged {
		d.damaged = json.Unmarshal([]byte(text), &all.kept) != nil
	}
	if d.damaged || len(d.rest) > 0 || len(all.kept) > MaxEvents {
		return errDamaged
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed, t.events = listed, all
	return nil
}

// The flags of a track or a change.
const (
	flagKnown = 1 << iota
	flagDown
	flagPlanned
)

func flags(known, down, planned bool) (f uint64) {
	if known {
		f |= flagKnown
	}
	if down {
		f |= flagDown
	}
	if planned {
		f |= flagPlanned
	}
	return f
}

func (t *track) encode(e *encoder) {
	e.number(flags(t.known, t.down, false))
	e.signed(t.firstSeen)
	e.signed(t.since)
	e.signed(t.last.at)
	e.number(uint64(t.last.took))
	e.number(uint64(t.last.code))
	e.text(reasons.word(t.last.reason))
	e.text(phases.word(t.last.phase))
	encodeRow(e, t.quarterRow())
	encodeRow(e, t.dayRow())
	e.number(uint64(len(t.changes)))
	for _, c := range t.changes {
		e.signed(c.at)
		e.number(uint64(c.code))
		e.text(reasons.word(c.reason))
		e.number(flags(false, c.down, c.planned))
	}
}

func (t *track) decode(d *decoder) {
	f := d.number()
	t.known, t.down = f&flagKnown != 0, f&flagDown != 0
	t.firstSeen = d.signed()
	t.since = d.signed()
	t.last.at = d.signed()
	t.last.took = uint32(d.upTo(1<<32 - 1)) //nolint:gosec // it fits
	t.last.code = uint16(d.upTo(1<<16 - 1)) //nolint:gosec // it fits
	t.last.reason, t.last.phase = reasons.of(d.text()), phases.of(d.text())
	decodeRow(d, t.quarterRow())
	decodeRow(d, t.dayRow())
	for range d.count(keptChanges) {
		c := change{at: d.signed(), code: uint16(d.upTo(1<<16 - 1)), reason: reasons.of(d.text())} //nolint:gosec // it fits
		f := d.number()
		c.down, c.planned = f&flagDown != 0, f&flagPlanned != 0
		t.changes = append(t.changes, c)
	}
}

// encodeRow writes the cells that have counted something: most have not.
func encodeRow[N uint16 | uint32](e *encoder, r row[N]) {
	e.signed(*r.newest)
	n := 0
	for _, c := range r.cells {
		if c != (cell[N]{}) {
			n++
		}
	}
	e.number(uint64(n)) //nolint:gosec // it is not negative
	for i, c := range r.cells {
		if c != (cell[N]{}) {
			e.number(uint64(i)) //nolint:gosec // it is not negative
			e.number(uint64(c.up))
			e.number(uint64(c.down))
		}
	}
}

func decodeRow[N uint16 | uint32](d *decoder, r row[N]) {
	*r.newest = d.signed()
	most := uint64(^N(0))
	for range d.count(len(r.cells)) {
		i := d.upTo(uint64(len(r.cells) - 1)) //nolint:gosec // there are cells
		r.cells[i] = cell[N]{N(d.upTo(most)), N(d.upTo(most))}
	}
}

// An encoder appends to what will be a snapshot.
type encoder []byte

func (e *encoder) number(n uint64) { *e = binary.AppendUvarint(*e, n) }
func (e *encoder) signed(n int64)  { *e = binary.AppendVarint(*e, n) }
func (e *encoder) text(s string)   { e.number(uint64(len(s))); *e = append(*e, s...) }

// A decoder reads what an encoder wrote. Once damaged it returns zeroes.
type decoder struct {
	rest    []byte
	damaged bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if d.damaged = d.damaged || size <= 0; d.damaged {
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) signed() int64 {
	n, size := binary.Varint(d.rest)
	if d.damaged = d.damaged || size <= 0; d.damaged {
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// upTo reads a number that is not greater than most.
func (d *decoder) upTo(most uint64) uint64 {
	n := d.number()
	if d.damaged = d.damaged || n > most; d.damaged {
		return 0
	}
	return n
}

// count reads how many follow. Each takes a byte at least, whatever the number says.
func (d *decoder) count(most int) uint64 {
	return d.upTo(uint64(min(most, len(d.rest)))) //nolint:gosec // it is not negative
}

func (d *decoder) text() string {
	n := d.upTo(uint64(len(d.rest)))
	if d.damaged || n > uint64(len(d.rest)) {
		d.damaged = true
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
