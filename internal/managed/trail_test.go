package managed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
)

// audited checks that the audit log of dir has a line for each revision up to one, and returns the lines.
func audited(t *testing.T, dir string, revision uint64) (entries []Entry) {
	t.Helper()
	seen := map[uint64]bool{}
	report, err := audit.Read(dir, AuditName, func(l audit.Line) error {
		var e Entry
		if err := json.Unmarshal(l.JSON, &e); err != nil {
			return err
		}
		entries = append(entries, e)
		seen[e.Revision] = true
		return nil
	})
	if err != nil || report.BreakCount > 0 {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
	for n := uint64(1); n <= revision; n++ {
		if !seen[n] {
			t.Errorf("revision %d is not in the audit log", n)
		}
	}
	return entries
}

func TestAudit(t *testing.T) {
	dir := t.TempDir()
	w := openWorld(t, dir)
	w.put(t, "shop", shop)
	w.put(t, "shop", `{"url":"https://shop.example.com/health","interval":"15s"}`)
	w.set(t, Mute, hour(), "shop")
	if _, err := w.Delete(t.Context(), w.by(overwrite), "shop"); err != nil {
		t.Fatal(err)
	}
	entries := audited(t, dir, 4)
	if len(entries) != 4 {
		t.Fatalf("%d lines: %+v", len(entries), entries)
	}
	if e := entries[1]; e.Who != "author2" || e.Role != "edit" || e.Addr != "192.0.2.1:4711" || e.Action != Updated || e.Kind != KindTarget ||
		string(e.Change) != `{"environment":null,"interval":"15s"}` {
		t.Errorf("the update: %+v %s", e, e.Change)
	}
	if e := entries[3]; e.Action != Deleted || string(e.Change) != "null" {
		t.Errorf("the removal: %+v %s", e, e.Change)
	}
	before := w.Edits("shop", 3)
	if len(before) != 3 || before[0].Action != Deleted || len(w.Edits("other", 3)) != 0 {
		t.Errorf("the last edits: %+v", before)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := openWorld(t, dir)
	if after := again.Edits("shop", 100); len(after) != 4 || after[0].Revision != 4 {
		t.Errorf("the last edits after a restart: %+v", after)
	}
}

// A change that cannot be audited stands, says so, and is in the log after the next start.
func TestNotAudited(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, AuditName+".jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := openWorld(t, dir)
	out := w.put(t, "shop", shop)
	w.put(t, "gone", shop)
	if _, err := w.Delete(t.Context(), w.by(overwrite), "gone"); err != nil {
		t.Fatal(err)
	}
	w.set(t, Maintenance, hour(), "filed")
	if out.Action != Created || !strings.Contains(strings.Join(out.Warnings, " "), "audit") {
		t.Errorf("got %+v, want a warning", out)
	}
	if err := os.Remove(filepath.Join(dir, AuditName+".jsonl")); err != nil {
		t.Fatal(err)
	}
	if out := w.put(t, "later", shop); len(out.Warnings) > 0 {
		t.Errorf("later: %q", out.Warnings)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again := openWorld(t, dir)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	recovered := map[string]int{}
	for _, e := range audited(t, dir, 5) {
		if e.Action == Recovered {
			recovered[e.Name]++
		}
	}
	if len(recovered) != 3 || recovered["shop"] != 1 || recovered["filed"] != 1 || recovered[""] != 2 {
		t.Errorf("made up: %v, want shop, filed, and two of which nothing is left", recovered)
	}
}

// What is remembered is bounded.
func TestEditsBounded(t *testing.T) {
	var r Registry
	for i := range 5 * maxRemembered {
		r.trail.remember(Entry{Name: "a", Revision: uint64(i), Change: make([]byte, 2*maxChange)})
	}
	if n := len(r.trail.last); n > 2*maxRemembered {
		t.Errorf("%d are kept", n)
	}
	edits := r.Edits("a", 1<<30)
	if len(edits) != maxRemembered || edits[0].Revision != 5*maxRemembered-1 || edits[0].Change != nil {
		t.Errorf("%d edits, the first %+v", len(edits), edits[0])
	}
}
