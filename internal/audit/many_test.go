package audit_test

import (
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
)

// Many records at once are the same lines as one after another, over several files, too.
func TestAppendAll(t *testing.T) {
	for name, limit := range map[string]int64{"one file": 0, "several files": 1000, "less than a line each": 1} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l := open(t, dir, audit.Options{MaxBytes: limit, MaxFiles: 1000})
			var records []any
			for i := range 100 {
				records = append(records, record{"web", i + 1})
			}
			if n, err := l.AppendAll(records); n != len(records) || err != nil {
				t.Fatalf("AppendAll() = %d, %v", n, err)
			}
			if n, err := l.AppendAll(nil); n != 0 || err != nil {
				t.Fatalf("AppendAll(nil) = %d, %v", n, err)
			}
			add(t, l, record{"web", 101})
			if got := l.Head().Seq; got != 101 {
				t.Errorf("the last record is %d, want 101", got)
			}
			whole(t, dir, l)
		})
	}
}

// What cannot be written as JSON ends it, and what was before it in the same write is not there either.
func TestAppendAllRefuses(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, audit.Options{})
	if n, err := l.AppendAll([]any{record{"web", 1}, func() {}}); n != 0 || err == nil {
		t.Errorf("AppendAll() = %d, %v, want 0 and an error", n, err)
	}
	add(t, l, record{"web", 1})
	whole(t, dir, l)
}
