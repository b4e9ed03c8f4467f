package status

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A file that cannot be what was written is neither read nor waited for, and is put aside.
func TestLoadRefuses(t *testing.T) {
	for name, place := range map[string]func(t *testing.T, path string) error{
		"huge": func(_ *testing.T, path string) error {
			if err := os.WriteFile(path, []byte(snapshotMagic), 0o600); err != nil {
				return err
			}
			return os.Truncate(path, maxSnapshot+1)
		},
		"directory": func(_ *testing.T, path string) error { return os.Mkdir(path, 0o700) },
		"unreadable": func(t *testing.T, path string) error {
			if os.Getuid() == 0 {
				t.Skip("root reads everything")
			}
			return os.WriteFile(path, []byte(snapshotMagic), 0)
		},
		"device": func(t *testing.T, path string) error {
			if runtime.GOOS == "windows" {
				t.Skip("no devices")
			}
			return os.Symlink("/dev/zero", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			m := Memory{Tracker: NewTracker(), Path: filepath.Join(t.TempDir(), FileName), Log: slog.New(slog.NewTextHandler(&log, nil)), Wanted: always}
			if err := place(t, m.Path); err != nil {
				t.Fatal(err)
			}
			m.Load()
			if !strings.Contains(log.String(), "begins anew") {
				t.Errorf("the log has %q", &log)
			}
			if _, err := os.Lstat(m.Path + ".corrupt"); err != nil {
				t.Errorf("it was not put aside: %v", err)
			}
			m.write()
			if info, err := os.Lstat(m.Path); err != nil || !info.Mode().IsRegular() {
				t.Errorf("it was not written anew: %v, %v", info, err)
			}
		})
	}
}

// A disk that stays full is told once: no name in the error is made up anew with each try.
func TestFullDiskIsToldOnce(t *testing.T) {
	var log strings.Builder
	m := Memory{Tracker: NewTracker(), Log: slog.New(slog.NewTextHandler(&log, nil)), Wanted: always}
	for range 3 {
		name := FileName + "." + strings.Repeat("7", log.Len()%10+1)
		m.tell(&fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission})
	}
	if n := strings.Count(log.String(), "could not be kept"); n != 1 || !strings.Contains(log.String(), fs.ErrPermission.Error()) {
		t.Errorf("the log has %d lines, want 1:\n%s", n, &log)
	}
	for _, name := range []string{"1", "2"} {
		m.tell(&os.LinkError{Op: "rename", Old: FileName + "." + name, New: FileName, Err: fs.ErrPermission})
	}
	if n := strings.Count(log.String(), "could not be kept"); n != 2 {
		t.Errorf("with another error the log has %d lines, want 2:\n%s", n, &log)
	}
	log.Reset()
	m.tell(nil)
	m.tell(fs.ErrPermission)
	if n := strings.Count(log.String(), "could not be kept"); n != 1 {
		t.Errorf("after it went well once the log has %d lines, want 1:\n%s", n, &log)
	}
}

// What an exporter that was killed while it wrote has left behind is taken away, and nothing else.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	for _, name := range []string{".123", ".987654321", ".corrupt", ".bak"} {
		if err := os.WriteFile(path+name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := Memory{Tracker: NewTracker(), Path: path, Log: slog.New(slog.DiscardHandler), Wanted: always}
	m.Load()
	left, err := filepath.Glob(path + ".*")
	if got := strings.ReplaceAll(strings.Join(left, " "), path, ""); err != nil || got != ".bak .corrupt" {
		t.Errorf("%q is left, %v; want .bak .corrupt", got, err)
	}
}

// A file that has more events than are kept is not one of ours: nothing of it is taken over.
func TestTooManyEvents(t *testing.T) {
	tracker := NewTracker()
	tracker.events.kept = make([]Event, MaxEvents)
	for _, want := range []bool{true, false} {
		text, err := tracker.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := NewTracker().restore(text); (err == nil) != want {
			t.Errorf("with %d events: %v", len(tracker.events.kept), err)
		}
		tracker.events.kept = append(tracker.events.kept, Event{})
	}
}
