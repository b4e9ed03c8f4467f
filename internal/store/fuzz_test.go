package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpen opens a good file with some numbers replaced. The checksums of the meta pages are corrected, so that the checks after
// them are reached. An edit is four bytes for the position and two for the value.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s, err := Open(filepath.Join(dir, fileName))
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []string{"service/web", "service/db"} {
		if err := s.Save(key, bytes.Repeat([]byte("x"), 1000)); err != nil {
			f.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(s.Path())
	if err != nil {
		f.Fatal(err)
	}
	page := os.Getpagesize()
	f.Add([]byte{})
	for at := 0; at < len(good); at += page {
		for i := range 32 {
			f.Add(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, uint32(at+2*i)), 1))
		}
	}
	f.Fuzz(func(t *testing.T, edits []byte) {
		dir := t.TempDir()
		text := bytes.Clone(good)
		for ; len(edits) >= 6; edits = edits[6:] {
			copy(text[binary.BigEndian.Uint32(edits)%uint32(len(text)):], edits[4:6])
		}
		for _, at := range []int{0, page} {
			m := text[at+headerSize:]
			sum := fnv.New64a()
			sum.Write(m[:metaSize-8])
			order.PutUint64(m[metaSize-8:], sum.Sum64())
		}
		if err := os.WriteFile(filepath.Join(dir, fileName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(filepath.Join(dir, fileName))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewer) {
				t.Fatal(err)
			}
			return
		}
		defer shut(t, s)
		save(t, s, "service/web", "new")
		if err := s.Delete("service/db"); err != nil {
			t.Fatal(err)
		}
	})
}
