package board_test

import (
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board/boardtest"
)

// Whoever depends on whom, a list costs in proportion to the targets and what they depend on.
func TestCauseIsFoundOnce(t *testing.T) {
	const targets = 300
	for _, few := range []int{1, 10} {
		b := boardtest.Chained(t, targets, few).At(time.Now())
		looked := 0
		b.CountLooks(&looked)
		for _, e := range b.Inventory.Entries() {
			want := "target-00000"
			if e.Name == want {
				want = ""
			}
			if got := b.Target(e).Cause; got != want {
				t.Fatalf("the cause of %s is %q, want %q", e.Name, got, want)
			}
		}
		if looked > targets*few {
			t.Errorf("of %d targets that depend on %d each, %d were looked at", targets, few, looked)
		}
	}
}
