package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

// fileName is the name of the file in the directory of a test.
const fileName = "test.db"

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func save(t *testing.T, s *Store, key, value string) {
	t.Helper()
	if err := s.Save(key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func texts(records map[string][]byte) map[string]string {
	m := map[string]string{}
	for key, value := range records {
		m[key] = string(value)
	}
	return m
}

func want(t *testing.T, s *Store, records map[string]string) {
	t.Helper()
	if diff := cmp.Diff(records, texts(s.Load())); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, dir)
	want(t, s, map[string]string{})
	save(t, s, "service/web", "1")
	save(t, s, "service/web", "2")
	save(t, s, "service/db", "")
	save(t, s, "gone", "x")
	if err := s.Delete("gone"); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveAll(map[string][]byte{"global/brake": []byte("on"), "service/db": nil, "service/app": []byte("3")}); err != nil {
		t.Fatal(err)
	}
	records := map[string]string{"service/web": "2", "global/brake": "on", "service/app": "3"}
	want(t, s, records)
	shut(t, s)
	shut(t, s)
	if err := s.Save("service/web", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
	want(t, open(t, dir), records)
}

// Several stores in one directory, here the working directory, are independent of each other.
func TestNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"a.db", "b.db"} {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { shut(t, s) })
		save(t, s, "k", path)
		want(t, s, map[string]string{"k": path})
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != 2 {
		t.Errorf("the directory has %v (%v), want two files", entries, err)
	}
}

// Records that come from the caller or go to it share no memory with the store.
func TestCopies(t *testing.T) {
	s := open(t, t.TempDir())
	value := []byte("abc")
	if err := s.Save("k", value); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	s.Load()["k"][1] = 'X'
	want(t, s, map[string]string{"k": "abc"})
}

func TestUnchangedWritesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, "k", "v")
	save(t, s, "empty", "")
	text, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	n := s.Transactions()
	if n != 2 {
		t.Errorf("%d transactions, want 2", n)
	}
	for range 100 {
		save(t, s, "k", "v")
		save(t, s, "empty", "")
		if err := s.Delete("never"); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveAll(nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Transactions(); got != n {
		t.Errorf("%d transactions for what changes nothing", got-n)
	}
	after, err := os.ReadFile(s.Path())
	if err != nil || !bytes.Equal(text, after) {
		t.Errorf("the file has changed (%v)", err)
	}
}

// Hundreds of services that change at the same time do not wait for hundreds of transactions.
func TestConcurrentSavesShareTransactions(t *testing.T) {
	const n = 300
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	s.mu.Lock() // as if a transaction were under way
	for i := range n {
		wg.Go(func() {
			if err := s.Save(strconv.Itoa(i), []byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	for queued := 0; queued < n; runtime.Gosched() {
		s.queueMu.Lock()
		queued = len(s.queue)
		s.queueMu.Unlock()
	}
	s.mu.Unlock()
	wg.Wait()
	if got := s.Transactions(); got != 1 {
		t.Errorf("%d transactions, want 1", got)
	}
	if got := len(s.Load()); got != n {
		t.Errorf("%d records, want %d", got, n)
	}
}

func TestLimits(t *testing.T) {
	s := open(t, t.TempDir())
	for _, tt := range []struct {
		name, key string
		size      int
		want      string
	}{
		{"no key", "", 1, "a key has 0 bytes, want 1 to 512"},
		{"long key", strings.Repeat("k", MaxKey+1), 1, "a key has 513 bytes, want 1 to 512"},
		{"long record", "k", MaxValue + 1, "a record has 1048577 bytes, want at most 1048576"},
	} {
		err := s.Save(tt.key, make([]byte, tt.size))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want one with %q", tt.name, err, tt.want)
		}
	}
	if err := s.Save(strings.Repeat("k", MaxKey), make([]byte, MaxValue)); err != nil {
		t.Error(err)
	}
	shut(t, s)
	open(t, filepath.Dir(s.Path()))
}

func TestSecondInstance(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, err := Open(filepath.Join(dir, fileName))
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), s.Path()) {
		t.Errorf("error is %v, want ErrLocked and the path", err)
	}
	shut(t, s)
	open(t, dir)
}

// If many start at the same time in an empty directory, at most one gets the file, and no file is replaced.
func TestManyFirstInstances(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	got := make([]*Store, 8)
	for i := range got {
		wg.Go(func() {
			s, err := Open(filepath.Join(dir, fileName))
			if err != nil && !errors.Is(err, ErrLocked) {
				t.Error(err)
			}
			got[i] = s
		})
	}
	wg.Wait()
	n := 0
	for _, s := range got {
		if s != nil {
			n++
			save(t, s, "k", "v")
			shut(t, s)
		}
	}
	if n > 1 {
		t.Errorf("%d instances have the file open, want one", n)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v (%v), want the file alone", entries, err)
	}
}

// The file does not grow with the number of saves: freed pages are used again.
func TestBoundedGrowth(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 500 {
		if err := s.Save(strconv.Itoa(i%20), bytes.Repeat([]byte{byte(i)}, 100+i%1000)); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 256<<10 {
		t.Errorf("20 records of a kilobyte take %d bytes after 500 saves", info.Size())
	}
}

func TestNewerFormat(t *testing.T) {
	s := open(t, t.TempDir())
	shut(t, s)
	change(t, s.Path(), func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyFormat, []byte("2")) })
	_, err := Open(s.Path())
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "format 2, want 1") || !strings.Contains(err.Error(), s.Path()) {
		t.Errorf("error is %v, want ErrNewer, both formats and the path", err)
	}
}

// change changes the file with the library alone.
func change(t *testing.T, path string, fn func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}
