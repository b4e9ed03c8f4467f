package managed

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/fulldisk"
)

// On a full disk a change is refused and nothing has changed, and when there is space again it goes on.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	disk := fulldisk.Mount(t, dir, "512k")
	w := openWorld(t, dir)
	w.put(t, "shop", shop)
	disk.Fill()
	refused := 0
	for i := range 100 { // some fit into free pages of the file
		_, err := w.Put(t.Context(), w.by(Condition{}), fmt.Sprint("t", i), []byte(shop))
		_, there := w.Target(fmt.Sprint("t", i))
		switch {
		case err == nil && there:
		case is[*StoreError](err) && errors.Is(err, syscall.ENOSPC) && !there:
			refused++
		default:
			t.Fatalf("got %v, it is there: %t", err, there)
		}
	}
	if refused == 0 {
		t.Error("all fit")
	}
	disk.Free()
	w.put(t, "later", shop)
	before := w.state()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again := openWorld(t, dir)
	if after := again.state(); len(after.targets) != len(before.targets) || after.Revision != before.Revision {
		t.Errorf("%d targets and revision %d, want %d and %d", len(after.targets), after.Revision, len(before.targets), before.Revision)
	}
	audited(t, dir, before.Revision)
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
