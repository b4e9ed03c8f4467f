package channels

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// silenceOf is one that ends in an hour and has these matchers: name, operator and value each.
func silenceOf(id string, matchers ...[3]string) alertconf.Silence {
	s := alertconf.Silence{ID: id, EndsAt: time.Now().Add(time.Hour)}
	for _, m := range matchers {
		s.Matchers = append(s.Matchers, alertconf.SilenceMatcher{
			Name: m[0], Value: m[2], IsRegex: strings.HasSuffix(m[1], "~"), IsEqual: new(!strings.HasPrefix(m[1], "!")),
		})
	}
	return s
}

// told are the IDs of the silences of an alert.
func (s *Silences) told(labels map[string]string) string {
	var ids []string
	for _, one := range s.For(labels) {
		ids = append(ids, one.ID)
	}
	return strings.Join(ids, " ")
}

func TestSilencesMatch(t *testing.T) {
	old := silenceOf("old", [3]string{"team", "=", "shop"})
	old.Matchers[0].IsEqual = nil
	for _, tc := range []struct {
		silence alertconf.Silence
		want    bool // of {target="shop", team="shop", environment="LIVE"}
	}{
		{silenceOf("a", [3]string{"target", "=", "shop"}), true},
		{silenceOf("a", [3]string{"target", "=", "Shop"}), false},
		{silenceOf("a", [3]string{"target", "!=", "shop"}), false},
		{silenceOf("a", [3]string{"target", "!=", "cart"}), true},
		{silenceOf("a", [3]string{"target", "=~", "sh"}), false},
		{silenceOf("a", [3]string{"target", "=~", "cart|sh.p"}), true},
		{silenceOf("a", [3]string{"target", "!~", "cart|sh.p"}), false},
		{silenceOf("a", [3]string{"target", "!~", "sh"}), true},
		{silenceOf("a", [3]string{"target", "=", "shop"}, [3]string{"environment", "=", "DEV"}), false},
		{silenceOf("a", [3]string{"target", "=", "shop"}, [3]string{"environment", "=", "LIVE"}), true},
		{silenceOf("a", [3]string{"zone", "=", ""}), true},
		{silenceOf("a", [3]string{"zone", "!=", ""}), false},
		{silenceOf("a", [3]string{"zone", "=~", "|x"}), true},
		{silenceOf("a", [3]string{"zone", "=~", ".+"}), false},
		{silenceOf("a", [3]string{"target", "=~", "("}), false}, // Alertmanager has none of these
		{silenceOf("a"), false},
		{silenceOf("a", make([][3]string, maxSilenceMatchers+1)...), false},
		{old, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			one := tc.silence
			one.EndsAt = time.Now().Add(time.Hour)
			s := NewSilences(func(context.Context) ([]alertconf.Silence, error) { return []alertconf.Silence{one}, nil })
			labels := map[string]string{"target": "shop", "team": "shop", "environment": "LIVE"}
			s.For(labels)
			synctest.Wait()
			if got := s.told(labels) != ""; got != tc.want {
				t.Errorf("%+v: %v, want %v", one.Matchers, got, tc.want)
			}
		})
	}
}

// Nothing is read unless somebody looks, and then no more often than needed. What is old is not told.
func TestSilencesAreReadWhileSomebodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		var fails error
		s := NewSilences(func(context.Context) ([]alertconf.Silence, error) {
			reads++
			return []alertconf.Silence{silenceOf(strconv.Itoa(reads), [3]string{"zone", "=", ""})}, fails
		})
		look := func(wantReads int, want string) {
			t.Helper()
			got := s.told(nil)
			synctest.Wait()
			if got != want || reads != wantReads {
				t.Errorf("told %q after %d reads, want %q after %d", got, reads, want, wantReads)
			}
		}
		time.Sleep(time.Hour)
		look(1, "")
		look(1, "1")
		time.Sleep(silencesEvery - 1)
		look(1, "1")
		time.Sleep(time.Nanosecond)
		look(2, "1") // it does not wait
		look(2, "2")

		fails = errors.New("no Alertmanager answers")
		for n := range 4 {
			time.Sleep(silencesEvery)
			look(n+3, "2")
		}
		time.Sleep(silencesEvery)
		look(7, "") // they are too old now
		fails = nil
		time.Sleep(silencesEvery)
		look(8, "")
		look(8, "8")

		time.Sleep(silencesLast + 1)
		look(9, "") // nobody has looked for long
		look(9, "9")
	})
}

// One that has ended since it was read is not told.
func TestSilencesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSilences(func(context.Context) ([]alertconf.Silence, error) {
			short, long := silenceOf("short", [3]string{"zone", "=", ""}), silenceOf("long", [3]string{"zone", "=", ""})
			short.EndsAt = time.Now().Add(silencesEvery / 2)
			return []alertconf.Silence{long, short}, nil
		})
		s.For(nil)
		synctest.Wait()
		if got := s.told(nil); got != "short long" {
			t.Errorf("told %q, want both, the first to end first", got)
		}
		time.Sleep(silencesEvery / 2)
		if got := s.told(nil); got != "long" {
			t.Errorf("told %q, want the one that has not ended", got)
		}
	})
}

// They are bounded, and fit to be shown.
func TestSilencesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSilences(func(context.Context) (all []alertconf.Silence, _ error) {
			for i := range maxSilences + 5 {
				one := silenceOf(strconv.Itoa(i), [3]string{"zone", "=", ""})
				one.EndsAt = time.Now().Add(time.Hour - time.Duration(i)*time.Second)
				one.Comment = strings.Repeat("x\x00\n", 10_000)
				all = append(all, one)
			}
			return all, nil
		})
		s.For(nil)
		synctest.Wait()
		got := s.For(nil)
		if len(got) != maxSilences || got[0].ID != "999" || got[maxSilences-1].ID != "0" {
			t.Errorf("%d are told, want %d, those that end last, the first to end first", len(got), maxSilences)
		}
		if c := got[0].Comment; len(c) > 3*printable.MaxError || strings.ContainsAny(c, "\x00\n") {
			t.Errorf("a comment of %d bytes is told: %.20q", len(c), c)
		}
	})
}

// Expressions that would take much memory are left out, and those after them.
func TestSilencesWithLongExpressions(t *testing.T) {
	all := []alertconf.Silence{
		silenceOf("a", [3]string{"zone", "=~", "|x"}),
		silenceOf("b", [3]string{"zone", "=~", "|" + strings.Repeat("x", maxSilenceExpressions)}),
		silenceOf("c", [3]string{"zone", "=~", "|x"}),
	}
	for i := range all {
		all[i].EndsAt = all[0].EndsAt
	}
	if got := kept(all); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("%d are kept, want the first", len(got))
	}
}

// Close ends a read under way, and none begins after it.
func TestSilencesClose(t *testing.T) {
	var reads, ended atomic.Int32
	s := NewSilences(func(ctx context.Context) ([]alertconf.Silence, error) {
		reads.Add(1)
		<-ctx.Done()
		ended.Add(1)
		return nil, ctx.Err()
	})
	s.For(nil)
	s.Close()
	if ended.Load() != reads.Load() {
		t.Error("Close does not wait for the read")
	}
	s.began = time.Time{}
	s.For(nil)
	s.Close()
	if reads.Load() > 1 {
		t.Error("a read has begun after Close")
	}
}
