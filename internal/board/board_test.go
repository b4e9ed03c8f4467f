package board_test

import (
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board/boardtest"
)

// What is down because of another names the one at the end of the chain.
func TestCause(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		down []string
		want map[string]string
	}{
		{[]string{"db", "cart", "web"}, map[string]string{"db": "", "cart": "db", "web": "db"}},
		{[]string{"db", "web"}, map[string]string{"db": "", "cart": "", "web": ""}},
		{[]string{"cart", "web"}, map[string]string{"cart": "", "web": "cart"}},
	} {
		b := boardtest.Shops(t, now, tc.down...).At(now)
		for _, e := range b.Inventory.Entries() {
			target := b.Target(e)
			if target.Cause != tc.want[target.Name] {
				t.Errorf("with %q down the cause of %s is %q, want %q", tc.down, target.Name, target.Cause, tc.want[target.Name])
			}
			if (target.Restarting == "verifying") != (target.Name == "db") {
				t.Errorf("%s is being restarted: %q", target.Name, target.Restarting)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		down      []string
		at        time.Duration
		indicator string
		text      string
	}{
		{nil, 0, board.IndicatorNone, "all targets that are probed are up"},
		{[]string{"wiki"}, 0, board.IndicatorMinor, "1 of 5 targets are down"},
		{[]string{"db"}, 0, board.IndicatorMajor, "1 of 3 LIVE targets are down"},
		{[]string{"db", "cart", "web"}, 0, board.IndicatorCritical, "3 of 3 LIVE targets are down"},
		{[]string{"db"}, 3 * time.Minute, board.IndicatorMinor, "3 of 5 targets were not probed for a while"},
	} {
		if got := boardtest.Shops(t, now, tc.down...).At(now.Add(tc.at)).Summary(); got.Indicator != tc.indicator || got.Description != tc.text {
			t.Errorf("with %q down after %s: %s, %q; want %s, %q", tc.down, tc.at, got.Indicator, got.Description, tc.indicator, tc.text)
		}
	}
}
