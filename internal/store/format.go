package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"

	"go.etcd.io/bbolt"
)

// format is the version of the contents. Version 1: the bucket meta holds format, a decimal number, and digest; the bucket
// records holds the records.
const format = 1

var (
	bucketMeta    = []byte("meta")
	bucketRecords = []byte("records")
	keyFormat     = []byte("format")
	keyDigest     = []byte("digest")
)

// A digest is the exclusive or of the SHA-256 of every record, so that a change costs only what it changes. It finds
// accidents, which the library does not look for. It does not protect against somebody who may write the file.
type digest [sha256.Size]byte

// toggle adds a record, or removes one that was added.
func (d *digest) toggle(key string, value []byte) {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, uint64(len(key))) // a hash never fails
	h.Write([]byte(key))
	h.Write(value)
	for i, b := range h.Sum(nil) {
		d[i] ^= b
	}
}

func corrupt(text string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(text, args...))
}

// put makes the changes in the buckets. It makes the buckets in a new file.
func put(tx *bbolt.Tx, changes map[string][]byte, sum digest) error {
	meta, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err != nil {
		return err
	}
	records, err := tx.CreateBucketIfNotExists(bucketRecords)
	if err != nil {
		return err
	}
	if err := meta.Put(keyFormat, []byte(strconv.Itoa(format))); err != nil {
		return err
	}
	if err := meta.Put(keyDigest, sum[:]); err != nil {
		return err
	}
	for key, value := range changes {
		if value == nil {
			err = records.Delete([]byte(key))
		} else {
			err = records.Put([]byte(key), value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// load reads all records and checks that they are the ones that were written.
func load(f *os.File, pageSize int) (map[string][]byte, digest, error) {
	var sum digest
	buckets, err := readPages(f, pageSize)
	if err != nil {
		return nil, sum, err
	}
	meta := buckets[string(bucketMeta)]
	version, err := strconv.Atoi(string(meta[string(keyFormat)]))
	switch {
	case err != nil || version < 1:
		return nil, sum, corrupt("it has no format version")
	case version > format:
		return nil, sum, fmt.Errorf("%w: format %d, want %d", ErrNewer, version, format)
	}
	records := buckets[string(bucketRecords)]
	if records == nil {
		return nil, sum, corrupt("it has no bucket of records")
	}
	for key, value := range records {
		sum.toggle(key, value)
	}
	if want := string(meta[string(keyDigest)]); want != string(sum[:]) {
		return nil, sum, corrupt("the checksum of the records is wrong")
	}
	return records, sum, nil
}
