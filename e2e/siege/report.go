package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the exporter may use in the siege, in addition to memory.
const (
	maxLogRate = 100 << 10 // bytes a second
	maxStorage = 32 << 20  // bytes
	maxDeaf    = 2         // failures of /-/healthy in a row: at the third kubelet restarts a container
	mostListed = 6         // kinds of failures
)

// A verdict is one condition that had to hold.
type verdict struct {
	what, found string
	ok          bool
}

// report writes what happened. It reports whether the exporter held out.
func (s *siege) report(out io.Writer, chosen []attack) bool {
	ended := s.exporter.ended()
	s.exporter.stop()
	s.score.mu.Lock()
	defer s.score.mu.Unlock()
	fmt.Fprintln(out, "\nattacks and their effect:")
	for _, a := range chosen {
		fmt.Fprintf(out, "  %-13s %s\n", a.name, s.score.struck[a.name].String())
	}
	held := true
	fmt.Fprintln(out, "\nthe exporter:")
	for _, v := range s.verdicts(ended) {
		mark := "ok  "
		if !v.ok {
			mark, held = "FAIL", false
		}
		fmt.Fprintf(out, "  %s %-34s %s\n", mark, v.what, v.found)
	}
	return held
}

func (s *siege) verdicts(ended string) []verdict {
	sc := s.score
	alive := "throughout"
	if ended != "" {
		alive = fmt.Sprintf("died after %s: %s", sc.lasted.Round(100*time.Millisecond), ended)
	}
	failed := 0
	for _, n := range sc.failures {
		failed += n
	}
	slices.Sort(sc.took)
	scrapes := fmt.Sprintf("%d of %d failed", failed, len(sc.took))
	if len(sc.took) > 0 {
		scrapes += fmt.Sprintf(", median %s, slowest %s", sc.took[len(sc.took)/2].Round(time.Millisecond), sc.took[len(sc.took)-1].Round(time.Millisecond))
	}
	if failed > 0 {
		scrapes += fmt.Sprintf("; first after %s; %s", sc.firstFailure.Round(100*time.Millisecond), sc.failures.String())
	}
	o := &sc.service
	log, storage := size(s.exporter.logFile), size(s.path("data"))
	rate := int64(float64(log) / max(sc.lasted.Seconds(), 1))
	return []verdict{
		{"alive", alive, ended == ""},
		{"healthy targets probed on time", scrapes, failed*100 <= s.late*len(sc.took) && len(sc.took) > 0},
		{"no healthy target shown down", sc.lies.String(), len(sc.lies) == 0},
		{"/-/healthy", fmt.Sprintf("%d answers, %d missing, %d in a row", sc.healthy, sc.deaf, sc.deafAtMost), sc.deafAtMost <= maxDeaf && sc.healthy > 0},
		{"outage", fmt.Sprintf("since %s, alert accepted %s, restarted %s, verified %s; deliveries refused: %s",
			at(o.began), at(o.accepted), at(o.restarted), at(o.verified), o.refused.String()), o.verified > 0 && s.app.count() == 1},
		{"resident memory", fmt.Sprintf("%d MiB at most, of %d", sc.most.peak, s.memory), sc.most.peak <= s.memory},
		{"descriptors", fmt.Sprintf("%d at most, of %d", sc.most.descriptors, s.files), sc.most.descriptors <= s.files},
		{"log", fmt.Sprintf("%d kB, %d kB/s", log>>10, rate>>10), rate <= maxLogRate},
		{"storage", fmt.Sprintf("%d kB", storage>>10), storage <= maxStorage},
		s.audit(),
	}
}

func at(d time.Duration) string {
	if d == 0 {
		return "never"
	}
	return "at " + d.Round(100*time.Millisecond).String()
}

// String lists what was counted.
func (c counts) String() string {
	if len(c) == 0 {
		return "none"
	}
	var all []string
	for i, what := range c.common() {
		if i == mostListed {
			all = append(all, fmt.Sprintf("%d more", len(c)-i))
			break
		}
		all = append(all, fmt.Sprintf("%d× %.100s", c[what], what))
	}
	return strings.Join(all, ", ")
}

// size returns the size of a file, or of all files below a directory.
func size(path string) (sum int64) {
	_ = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error { // files that are gone have no size
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a file that is gone has no size
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// audit checks whether the audit log still has the attempt to restart the app.
func (s *siege) audit() verdict {
	const what = "the restart is in the audit log"
	if s.score.service.restarted == 0 {
		return verdict{what, "there was none", true}
	}
	files, _ := filepath.Glob(filepath.Join(s.path("data"), "*.jsonl")) // the pattern is valid
	found := slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
			return strings.Contains(line, `"service":"app"`) && strings.Contains(line, `"executed":{`)
		})
	})
	return verdict{what, strconv.FormatBool(found), found}
}
