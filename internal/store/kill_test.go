//go:build unix

package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killedDir tells the test binary that it is the child of TestKilled.
const killedDir = "STORE_TEST_KILLED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		if err := saveUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// saveUntilKilled counts up from the saved number, and prints every number that it has saved.
func saveUntilKilled(dir string) error {
	s, err := Open(filepath.Join(dir, fileName))
	if err != nil {
		return err
	}
	n, err := counted(s)
	for err == nil {
		n++
		text := []byte(strconv.Itoa(n))
		err = s.SaveAll(map[string][]byte{
			"a": text, "b": text,
			"long": []byte(strings.Repeat(string(text)+"\n", 1+n%2000)),
		})
		fmt.Fprintln(os.Stdout, n)
	}
	return err
}

// counted returns the saved number, which must be the same under all keys.
func counted(s *Store) (int, error) {
	records := s.Load()
	a, b := string(records["a"]), string(records["b"])
	long, _, _ := strings.Cut(string(records["long"]), "\n")
	if a != b || a != long {
		return 0, fmt.Errorf("saved together were %q, %q and %q", a, b, long)
	}
	if a == "" {
		return 0, nil
	}
	return strconv.Atoi(a)
}

// TestKilled kills a process that saves, at random moments. Everything that it printed as saved is there.
func TestKilled(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	last := 0
	for range rounds {
		said := kill(t, dir)
		s := open(t, dir)
		n, err := counted(s)
		shut(t, s)
		if err != nil {
			t.Fatal(err)
		}
		// One more may be there, if it was killed between saving and printing.
		if said = max(said, last); n < said || n > said+1 {
			t.Fatalf("%d is saved, want %d or one more", n, said)
		}
		last = n
	}
	t.Logf("killed %d times within %d saves", rounds, last)
}

// kill starts the child, kills it a random time after a random number of saves, and returns the last number that it printed.
func kill(t *testing.T, dir string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killedDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, left := 0, 1+rand.IntN(20)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if said, err = strconv.Atoi(lines.Text()); err != nil {
			t.Error(err)
		}
		left--
		if left == 0 {
			time.AfterFunc(rand.N(3*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return said
}
