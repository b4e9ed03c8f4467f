package status

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// BenchmarkMemory keeps what is known of 10,000 targets that were probed for 100 days, and reads it again.
func BenchmarkMemory(b *testing.B) {
	const targets, days = 10_000, 100
	tracker, at := NewTracker(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for d := range days {
		r := failing("")
		if d%2 == 0 {
			r = failing(prober.ReasonStatus)
		}
		for i := range targets {
			r.Start = at.Add(time.Duration(d) * day)
			tracker.Observe(Probe{Name: fmt.Sprintf("target-%d", i), Result: r})
		}
	}
	for i := range targets { // and all quarters of the last day
		for q := range keptQuarters {
			r := failing("")
			r.Start = at.Add(days*day + time.Duration(q)*quarter)
			tracker.Observe(Probe{Name: fmt.Sprintf("target-%d", i), Result: r})
		}
	}
	m := &Memory{Tracker: tracker, Path: filepath.Join(b.TempDir(), FileName), Log: slog.New(slog.DiscardHandler), Wanted: func() bool { return true }}
	b.Run("encode", func(b *testing.B) {
		size := 0
		for b.Loop() {
			text, err := tracker.snapshot()
			if err != nil {
				b.Fatal(err)
			}
			size = len(text)
		}
		b.ReportMetric(float64(size)/targets, "B/target")
	})
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			m.write()
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			(&Memory{Tracker: NewTracker(), Path: m.Path, Log: m.Log, Wanted: m.Wanted}).Load()
		}
	})
}
