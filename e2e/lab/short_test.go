//go:build e2e

package main

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestMain lets PM2 run the test as the app.
func TestMain(m *testing.M) {
	if isApp() {
		serveApp(os.Args[2:])
	}
	os.Exit(m.Run())
}

// TestLab is the short form of the lab: six classes, each played once by the exporter. It must restart nothing wrongly, and
// miss no repair.
func TestLab(t *testing.T) {
	chosen, err := choose(classes(), "hang,500-3s,404,stopped,dep-declared,all-blind", func(c *class) string { return c.name })
	who, err2 := choose(actors(), actorExporter, func(a *actor) string { return a.name })
	l := &lab{dir: t.TempDir(), keep: t.TempDir()}
	if err := errors.Join(err, err2, l.prepare(t.Context())); err != nil {
		t.Fatal(err)
	}
	const atOnce = 3
	var out strings.Builder
	results, err := l.playAll(t.Context(), &out, schedule(chosen, who, 1), atOnce)
	if good := report(&out, results); err != nil || !good || len(results) != len(chosen) {
		t.Errorf("%d of %d plays, %v", len(results), len(chosen), err)
	}
	t.Log(out.String())
}
