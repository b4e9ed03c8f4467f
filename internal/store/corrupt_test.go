package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

// filled makes a file with branch pages, free pages, overflow pages, and records that tests can find again.
func filled(t *testing.T, dir string) (text []byte, records map[string]string) {
	t.Helper()
	s := open(t, dir)
	all := map[string][]byte{}
	for i := range 200 {
		all[fmt.Sprintf("service/%03d", i)] = bytes.Repeat([]byte{byte(i)}, 100)
	}
	all["long"] = bytes.Repeat([]byte("long"), 3000)
	if err := s.SaveAll(all); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		save(t, s, "service/007", strconv.Itoa(i))
	}
	records = texts(s.Load())
	shut(t, s)
	text, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	return text, records
}

func TestCorrupt(t *testing.T) {
	text, _ := filled(t, t.TempDir())
	page := os.Getpagesize()
	for _, tt := range []struct {
		name string
		make func() []byte
	}{
		{"empty", func() []byte { return nil }},
		{"one byte", func() []byte { return text[:1] }},
		{"text", func() []byte { return []byte("what is this?\n") }},
		{"long text", func() []byte { return bytes.Repeat([]byte("what is this?\n"), 10000) }},
		{"zeros", func() []byte { return make([]byte, len(text)) }},
		{"one page", func() []byte { return text[:page] }},
		{"two pages", func() []byte { return text[:2*page] }},
		{"half", func() []byte { return text[:len(text)/2] }},
		{"magic", func() []byte { return overwrite(text, []byte("XXXX"), 16, page+16) }},
		{"meta checksum", func() []byte { return overwrite(text, []byte("XXXX"), 16+56, page+16+56) }},
		{"pages of zeros", func() []byte { return overwrite(text, make([]byte, len(text)-2*page), 2*page) }},
		{"pages of ones", func() []byte { return overwrite(text, bytes.Repeat([]byte{0xFF}, len(text)-2*page), 2*page) }},
		{"a record", func() []byte { return bytes.ReplaceAll(text, []byte("longlong"), []byte("longLong")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path, bad := filepath.Join(dir, fileName), tt.make()
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(filepath.Join(dir, fileName))
			if err == nil {
				shut(t, s)
			}
			if !errors.Is(err, ErrCorrupt) || !bytes.Contains([]byte(err.Error()), []byte(path)) {
				t.Errorf("error is %v, want ErrCorrupt and the path", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, bad) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

func overwrite(text, with []byte, at ...int) []byte {
	text = bytes.Clone(text)
	for _, i := range at {
		copy(text[i:], with)
	}
	return text
}

// Whatever happens to some bytes of the file, either it is noticed, or the records are as they were. The library never panics,
// asks for all memory, or loops for ever.
func TestDamage(t *testing.T) {
	src := t.TempDir()
	text, records := filled(t, src)
	page := os.Getpagesize()
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	n := 1000
	if testing.Short() {
		n = 200
	}
	noticed := 0
	for i := range n {
		rnd := rand.New(rand.NewPCG(1, uint64(i)))
		bad := damage(rnd, bytes.Clone(text), page)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(filepath.Join(dir, fileName))
		if err != nil {
			noticed++
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("damage %d: error is %v, want ErrCorrupt", i, err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, bad) {
				t.Fatalf("damage %d: the file was changed (%v)", i, err)
			}
			continue
		}
		got := texts(s.Load())
		if got["service/007"] == "18" { // the newer meta page was hit: this is the state before the last save
			got["service/007"] = "19"
		}
		if diff := cmp.Diff(records, got); diff != "" {
			t.Fatalf("damage %d was not noticed (-want +got):\n%s", i, diff)
		}
		if i%4 == 0 { // writing reads what loading did not
			save(t, s, "service/100", "new")
			save(t, s, "service/101", string(bytes.Repeat([]byte("new"), 5000)))
		}
		shut(t, s)
	}
	t.Logf("%d of %d were noticed", noticed, n)
	if noticed < n/4 {
		t.Errorf("only %d of %d were noticed: the test damages the wrong bytes", noticed, n)
	}
}

// damage changes bits, numbers or whole pages, mostly where they matter.
func damage(rnd *rand.Rand, text []byte, page int) []byte {
	pages := len(text) / page
	at := rnd.IntN(pages) * page
	switch rnd.IntN(6) {
	case 0: // a bit
		text[rnd.IntN(len(text))] ^= 1 << rnd.IntN(8)
	case 1: // a byte of the header of a page or of its elements
		text[at+rnd.IntN(128)] = byte(rnd.Uint32())
	case 2: // a number there
		order.PutUint16(text[at+2*rnd.IntN(64):], uint16([]int{0, 1, 2, 3, 0xFFFF, 0x8000}[rnd.IntN(6)]))
	case 3: // a page in the place of another
		copy(text[at:at+page], text[rnd.IntN(pages)*page:])
	case 4: // a large number
		order.PutUint64(text[at+8*rnd.IntN(16):], rnd.Uint64()>>rnd.IntN(64))
	case 5: // an end
		text = text[:rnd.IntN(len(text))]
	}
	return text
}

// A page that leads back to itself would keep the library busy for ever.
func TestPageLeadsToItself(t *testing.T) {
	dir := t.TempDir()
	text, _ := filled(t, dir)
	page, loops := os.Getpagesize(), 0
	for at := 2 * page; at < len(text); at += page {
		if order.Uint16(text[at+8:]) == flagBranch {
			order.PutUint64(text[at+headerSize+8:], uint64(at/page))
			loops++
		}
	}
	if loops == 0 {
		t.Fatal("the file has no branch page")
	}
	path := filepath.Join(dir, fileName)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "used twice") {
		t.Errorf("error is %v, want ErrCorrupt and that a page is used twice", err)
	}
}

// A foreign database of the same library is not ours.
func TestForeign(t *testing.T) {
	dir := t.TempDir()
	change(t, filepath.Join(dir, fileName), func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("other"))
		if err != nil {
			return err
		}
		_, err = b.CreateBucket([]byte("inner"))
		return err
	})
	if _, err := Open(filepath.Join(dir, fileName)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("error is %v, want ErrCorrupt", err)
	}
}

// A page that two buckets lead to would be freed by one of them and used by the other.
func TestPageUsedTwice(t *testing.T) {
	dir := t.TempDir()
	filled(t, dir)
	path := filepath.Join(dir, fileName)
	var ours, others []byte
	change(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("others"))
		if err != nil {
			return err
		}
		return b.Put([]byte("long"), make([]byte, 10_000)) // too much to be inside a page
	})
	change(t, path, func(tx *bbolt.Tx) error {
		ours = order.AppendUint64(nil, uint64(tx.Bucket(bucketRecords).Root()))
		others = order.AppendUint64([]byte("others"), uint64(tx.Bucket([]byte("others")).Root()))
		return nil
	})
	shut(t, open(t, dir)) // nothing is wrong so far
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, others, append([]byte("others"), ours...))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, fileName)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "used twice") {
		t.Errorf("error is %v, want ErrCorrupt and that a page is used twice", err)
	}
}
