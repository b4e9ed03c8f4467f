package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
)

// This file reads the format of bbolt's files by hand, because nothing can protect the exporter from bbolt when it reads
// garbage: a page that leads back to itself makes bbolt allocate memory for ever, and recover cannot stop that.

// The layout of a file, version 2; see internal/common of go.etcd.io/bbolt. Numbers are in the order of the
// machine. A page begins with its id (8 bytes), flags (2), number of elements (2) and number of overflow pages (4).
const (
	magic       = 0xED0CDAED
	boltVersion = 2
	headerSize  = 16
	elementSize = 16 // on branch pages: pos 4, ksize 4, page 8; on leaf pages: flags 4, pos 4, ksize 4, vsize 4
	metaSize    = 64 // magic 4, version 4, page size 4, flags 4, root bucket 16, freelist 8, end 8, txid 8, checksum 8
	bucketSize  = 16 // root page 8, sequence 8
	flagBranch  = 0x01
	flagLeaf    = 0x02
	flagFree    = 0x10
	maxDepth    = 32
)

var order = binary.NativeEndian

// A reader reads the pages that a meta page leads to. It reads every page once, so it ends whatever the file holds, and its
// memory is bounded by the size of the file.
type reader struct {
	file     *os.File
	pageSize uint64
	end      uint64 // the first page that is not in use
	seen     map[uint64]bool
}

type bucket = map[string][]byte

// readPages returns the contents of the buckets of the file. It does not change the file, and maps no memory.
func readPages(f *os.File, pageSize int) (map[string]bucket, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if pageSize < 1<<10 || pageSize > 1<<16 || info.Size() > 2*maxFile {
		return nil, corrupt("it has %d bytes in pages of %d", info.Size(), pageSize)
	}
	r := &reader{file: f, pageSize: uint64(pageSize), seen: map[uint64]bool{}}
	root, free, err := r.meta()
	if err != nil {
		return nil, err
	}
	if size := uint64(info.Size()); r.end < 4 || r.end > size/r.pageSize {
		return nil, corrupt("it has %d bytes, want %d pages of %d", size, r.end, pageSize)
	}
	buckets := map[string]bucket{}
	w := walk{emit: func(key, value []byte, isBucket bool) (err error) {
		if isBucket {
			buckets[string(key)], err = r.bucket(value)
		}
		return err
	}}
	if err := r.walk(&w, root, 0); err != nil {
		return nil, err
	}
	return buckets, r.freelist(free)
}

// meta reads the two meta pages. The newer valid one counts: a crash can leave one half written.
func (r *reader) meta() (root, free uint64, err error) {
	var newest uint64
	found := false
	for i := range uint64(2) {
		buf := make([]byte, headerSize+metaSize)
		if err := r.readAt(buf, i*r.pageSize); err != nil {
			return 0, 0, err
		}
		m := buf[headerSize:]
		sum := fnv.New64a()
		sum.Write(m[:metaSize-8])
		if order.Uint32(m) != magic || order.Uint32(m[4:]) != boltVersion || order.Uint64(m[56:]) != sum.Sum64() {
			continue
		}
		if uint64(order.Uint32(m[8:])) != r.pageSize {
			return 0, 0, corrupt("meta page %d has pages of %d bytes, want %d", i, order.Uint32(m[8:]), r.pageSize)
		}
		if txid := order.Uint64(m[48:]); !found || txid > newest {
			found, newest = true, txid
			root, free, r.end = order.Uint64(m[16:]), order.Uint64(m[32:]), order.Uint64(m[40:])
		}
	}
	if !found {
		return 0, 0, corrupt("both meta pages are invalid")
	}
	return root, free, nil
}

func (r *reader) readAt(buf []byte, offset uint64) error {
	n, err := r.file.ReadAt(buf, int64(offset))
	switch {
	case n == len(buf):
		return nil
	case errors.Is(err, io.EOF):
		return corrupt("it ends before byte %d", offset+uint64(len(buf)))
	default: // the fault of the disk, perhaps a temporary one
		return err
	}
}

// page reads a page together with its overflow.
func (r *reader) page(id uint64) ([]byte, error) {
	if id < 2 || id >= r.end {
		return nil, corrupt("page %d, want 2 to %d", id, r.end-1)
	}
	header := make([]byte, headerSize)
	if err := r.readAt(header, id*r.pageSize); err != nil {
		return nil, err
	}
	n := uint64(order.Uint32(header[12:])) + 1
	if order.Uint64(header) != id || n > r.end-id {
		return nil, corrupt("page %d says that it is %d pages from %d", id, n, order.Uint64(header))
	}
	for i := id; i < id+n; i++ {
		if r.seen[i] {
			return nil, corrupt("page %d is used twice", i)
		}
		r.seen[i] = true
	}
	buf := make([]byte, n*r.pageSize)
	return buf, r.readAt(buf, id*r.pageSize)
}

// A walk goes through the keys of a bucket in order.
type walk struct {
	emit  func(key, value []byte, isBucket bool) error
	last  []byte // the key before; nil: none
	floor []byte // the key by which the branch page led here
}

func (r *reader) walk(w *walk, id uint64, depth int) error {
	buf, err := r.page(id)
	if err != nil {
		return err
	}
	switch flags := order.Uint16(buf[8:]); {
	case flags == flagLeaf:
		return w.leaf(buf, id)
	case flags != flagBranch || depth >= maxDepth:
		return corrupt("page %d at depth %d is of type %#x", id, depth, flags)
	}
	count, err := elements(buf, id)
	if err != nil {
		return err
	}
	if count == 0 {
		return corrupt("branch page %d is empty", id)
	}
	for i := range count {
		at := headerSize + i*elementSize
		e := buf[at:]
		pos := uint64(order.Uint32(e))
		key, err := slice(e, id, pos, uint64(order.Uint32(e[4:])))
		switch {
		case err != nil:
			return err
		case len(key) == 0 || pos < elementSize:
			return corrupt("branch page %d has an invalid element", id)
		case w.last != nil && bytes.Compare(w.last, key) >= 0:
			return corrupt("branch page %d is out of order", id)
		}
		w.floor = key
		if err := r.walk(w, order.Uint64(e[8:]), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) leaf(buf []byte, id uint64) error {
	count, err := elements(buf, id)
	if err != nil {
		return err
	}
	for i := range count {
		e := buf[headerSize+i*elementSize:]
		flags, pos := order.Uint32(e), uint64(order.Uint32(e[4:]))
		ksize, vsize := uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
		both, err := slice(e, id, pos, ksize+vsize)
		if err != nil {
			return err
		}
		key := both[:ksize]
		switch {
		case ksize == 0 || flags > 1 || pos < elementSize:
			return corrupt("leaf page %d has an invalid element", id)
		case w.last != nil && bytes.Compare(w.last, key) >= 0, bytes.Compare(w.floor, key) > 0:
			return corrupt("leaf page %d is out of order", id)
		}
		w.last = key
		if err := w.emit(key, both[ksize:], flags == 1); err != nil {
			return err
		}
	}
	return nil
}

func elements(buf []byte, id uint64) (int, error) {
	count := int(order.Uint16(buf[10:]))
	if headerSize+count*elementSize > len(buf) {
		return 0, corrupt("page %d has %d elements in %d bytes", id, count, len(buf))
	}
	return count, nil
}

func slice(e []byte, id, pos, size uint64) ([]byte, error) {
	if pos+size > uint64(len(e)) {
		return nil, corrupt("page %d has an element beyond its end", id)
	}
	return e[pos : pos+size : pos+size], nil
}

// bucket reads the records of a bucket. A bucket is a tree of its own or, if it is small, one page inside the value.
func (r *reader) bucket(value []byte) (bucket, error) {
	if len(value) < bucketSize {
		return nil, corrupt("a bucket has %d bytes", len(value))
	}
	records := bucket{}
	w := walk{emit: func(key, value []byte, isBucket bool) error {
		if isBucket {
			return corrupt("it has a bucket in a bucket")
		}
		records[string(key)] = bytes.Clone(value)
		return nil
	}}
	if root := order.Uint64(value); root != 0 {
		return records, r.walk(&w, root, 0)
	}
	inline := value[bucketSize:]
	if len(inline) < headerSize || order.Uint16(inline[8:]) != flagLeaf {
		return nil, corrupt("a bucket inside a page is invalid")
	}
	return records, w.leaf(inline, 0)
}

// freelist checks that no page in use is listed as free. A page that is neither is wasted, which does no harm.
func (r *reader) freelist(id uint64) error {
	buf, err := r.page(id)
	if err != nil {
		return err
	}
	count, list := uint64(order.Uint16(buf[10:])), buf[headerSize:]
	if count == 0xFFFF { // the first number is the count
		count, list = order.Uint64(list), list[8:]
	}
	if order.Uint16(buf[8:]) != flagFree || count > uint64(len(list)/8) {
		return corrupt("the freelist on page %d is invalid", id)
	}
	for i := range count {
		free := order.Uint64(list[i*8:])
		if free < 2 || free >= r.end || r.seen[free] {
			return corrupt("page %d is in use and listed as free", free)
		}
		r.seen[free] = true
	}
	return nil
}
