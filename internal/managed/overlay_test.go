package managed

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

func (w *world) set(t *testing.T, k Kind, p *calendar.Period, names ...string) []string {
	t.Helper()
	var subjects []Subject
	for _, name := range names {
		subjects = append(subjects, Subject{Name: name, Environment: "LIVE"})
	}
	changed, err := w.Set(t.Context(), Edit{By: anybody("alice")}, k, subjects, p)
	if err != nil {
		t.Fatal(problems(err))
	}
	return changed
}

func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		w := openWorld(t, dir)
		start := time.Now()
		if got := w.set(t, Mute, hour(), "b", "a", "a"); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("changed %q", got)
		}
		p := w.Mute("a", start.Add(30*time.Minute))
		if p == nil || p.By != "alice" || p.Reason != "deploy" || !p.Start.Equal(start) || w.Maintenance("a", start) != nil {
			t.Errorf("got %+v", p)
		}
		if w.Mute("a", start.Add(-1)) != nil || w.Mute("a", start.Add(time.Hour)) != nil {
			t.Error("it is muted before or after")
		}
		same := &calendar.Period{End: start.Add(time.Hour), Reason: "deploy"}
		time.Sleep(time.Minute)
		if got := w.set(t, Mute, same, "a", "b"); len(got) != 0 {
			t.Errorf("the same again changed %q", got)
		}
		same.End = same.End.Add(time.Hour)
		if got := w.set(t, Mute, same, "a"); len(got) != 1 || !w.Mute("a", time.Now()).Start.Equal(start) {
			t.Errorf("longer: %q, %+v", got, w.Mute("a", time.Now()))
		}
		w.set(t, Maintenance, &calendar.Period{Start: start.Add(24 * time.Hour), End: start.Add(25 * time.Hour)}, "a")
		if got := w.Overlays(Maintenance, start); len(got) != 1 || got[0].Target != "a" || got[0].Kind != Maintenance {
			t.Errorf("overlays %+v", got)
		}
		if got := w.set(t, Mute, nil, "a", "b", "c"); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("ended %q", got)
		}
		if got := w.set(t, Mute, nil, "a"); len(got) != 0 {
			t.Errorf("ended again %q", got)
		}
		if w.Mute("a", time.Now()) != nil || w.Mute("a", time.Now().Add(-1)) == nil || len(w.Overlays(Mute, time.Now())) != 0 {
			t.Error("it ended otherwise than now")
		}
		if got := w.set(t, Maintenance, nil, "a"); len(got) != 1 || len(w.Overlays(Maintenance, start)) != 0 {
			t.Errorf("one that never began: %q, %+v", got, w.Overlays(Maintenance, start))
		}
		before := w.state().overlays
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again := openWorld(t, dir)
		if diff := cmp.Diff(before, again.state().overlays); diff != "" {
			t.Errorf("after a restart (-before +after):\n%s", diff)
		}
		if _, revision, _ := again.Export(); revision != 0 || again.state().Revision != 5 {
			t.Errorf("the targets have revision %d, everything %d; want 0 and 5", revision, again.state().Revision)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A name may come to be a target of another environment. What somebody limited has said of it does not go with it, and is back with the
// old one.
func TestPeriodStaysWithin(t *testing.T) {
	w := openWorld(t, t.TempDir())
	environment := "DEV"
	w.options.Environment = func(string) string { return environment }
	w.put(t, "pay", `{"url":"http://pay.example/","environment":"DEV"}`)
	dev, anybody := anybody("dev"), anybody("alice")
	dev.Environments = []string{"DEV", "STAGE"}
	now := time.Now()
	end := &calendar.Period{End: now.Add(time.Hour), UntilHealthy: true}
	for _, by := range []Author{dev, anybody} {
		for _, k := range []Kind{Mute, Maintenance} {
			p := *end
			p.UntilHealthy = k == Maintenance
			if _, err := w.Set(t.Context(), Edit{By: by}, k, []Subject{{Name: "pay", Environment: "DEV"}}, &p); err != nil {
				t.Fatal(err)
			}
		}
		for _, environment = range []string{"LIVE", "STAGE", "", "DEV"} {
			want := by.Name == "alice" || environment != "LIVE"
			got := []bool{w.Mute("pay", now.Add(time.Minute)) != nil, w.Maintenance("pay", now.Add(time.Minute)) != nil, w.Period(Mute, "pay", now) != nil}
			if !slices.Equal(got, []bool{want, want, want}) {
				t.Errorf("what %s has said holds in %q: %v, want %v", by.Name, environment, got, want)
			}
		}
	}
	list, err := w.Listed(now.Add(time.Minute))
	if err != nil || !strings.Contains(string(list[0]), `"notification":"off"`) {
		t.Errorf("listed: %s, %v", list, err)
	}
	if list := w.Overlays(Mute, now); len(list) != 1 || list[0].Within != nil {
		t.Errorf("alice's has not replaced the other: %+v", list)
	}
}

func TestSetInvalid(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name string
		kind Kind
		p    calendar.Period
		want []string
	}{
		{"ended", Mute, calendar.Period{End: now}, []string{"/until"}},
		{"no end", Mute, calendar.Period{}, []string{"/until"}},
		{"too far", Mute, calendar.Period{End: now.Add(MaxPeriod + time.Minute)}, []string{"/until"}},
		{"farther than times can be", Mute, calendar.Period{End: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, []string{"/until"}},
		{"ends before it begins", Maintenance, calendar.Period{Start: now.Add(2 * time.Hour), End: now.Add(time.Hour)}, []string{"/start"}},
		{"long reason", Mute, calendar.Period{End: now.Add(time.Hour), Reason: strings.Repeat("x", maxReason+1)}, []string{"/reason"}},
		{"a reason that steers", Mute, calendar.Period{End: now.Add(time.Hour), Reason: "a\x1b[31m"}, []string{"/reason"}},
		{"a mute until healthy", Mute, calendar.Period{End: now.Add(time.Hour), UntilHealthy: true}, []string{"/until_healthy"}},
		{"no kind", "silence", calendar.Period{End: now.Add(time.Hour)}, []string{""}},
		{"all at once", Mute, calendar.Period{Reason: "\n", UntilHealthy: true}, []string{"/reason", "/until", "/until_healthy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := openWorld(t, "")
			_, err := w.Set(t.Context(), w.by(Condition{}), tt.kind, []Subject{{Name: "shop"}}, &tt.p)
			if got := found(err); !slices.Equal(got, tt.want) {
				t.Errorf("got %q: %s, want %q", got, problems(err), tt.want)
			}
		})
	}
	w := openWorld(t, "")
	_, err := w.Set(t.Context(), w.by(Condition{}), Mute, []Subject{{Name: "a"}, {Name: strings.Repeat("x", 600)}, {}}, hour())
	if got := found(err); !slices.Equal(got, []string{"/targets/1", "/targets/2"}) {
		t.Errorf("names: got %q", got)
	}
}

// All or none, by the environments of all.
func TestSetForbidden(t *testing.T) {
	w := openWorld(t, "")
	e := Edit{By: Author{Name: "ci", May: func(environments ...string) error {
		if slices.Contains(environments, "LIVE") {
			return errors.New("not in LIVE")
		}
		return nil
	}}}
	subjects := []Subject{{"a", "DEV"}, {"b", "LIVE"}}
	if changed, err := w.Set(t.Context(), e, Mute, subjects, hour()); err == nil || len(changed) > 0 || w.Mute("a", time.Now()) != nil {
		t.Errorf("got %q, %v", changed, err)
	}
	if changed, err := w.Set(t.Context(), e, Mute, subjects[:1], hour()); err != nil || len(changed) != 1 {
		t.Errorf("got %q, %v", changed, err)
	}
}

func TestMaxOverlays(t *testing.T) {
	w := openWorld(t, "")
	var subjects []Subject
	for i := range maxOverlays {
		subjects = append(subjects, Subject{Name: fmt.Sprint("target", i)})
	}
	if changed, err := w.Set(t.Context(), w.by(Condition{}), Mute, subjects, hour()); err != nil || len(changed) != maxOverlays {
		t.Fatalf("%d, %v", len(changed), err)
	}
	if _, err := w.Set(t.Context(), w.by(Condition{}), Mute, []Subject{{Name: "one more"}}, hour()); !is[*TooManyError](err) {
		t.Errorf("one more: %v", err)
	}
	if _, err := w.Set(t.Context(), w.by(Condition{}), Maintenance, subjects[:1], hour()); err != nil {
		t.Errorf("another kind: %v", err)
	}
	if n := testing.AllocsPerRun(100, func() { w.Mute("target77", time.Time{}) }); n > 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
}

// What has ended is dropped after a day, and so is what belongs to targets that are gone; one that comes back keeps it.
func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, t.TempDir())
		for _, name := range []string{"short", "long", "gone", "back"} {
			w.own(name, "file:a.yml")
		}
		w.put(t, "managed", shop)
		long := &calendar.Period{End: time.Now().Add(20 * 24 * time.Hour)}
		w.set(t, Mute, hour(), "short", "long")
		w.set(t, Maintenance, long, "long", "gone", "back", "managed")
		time.Sleep(24*time.Hour + 30*time.Minute)
		synctest.Wait()
		if _, ok := w.state().overlays["short"]; !ok {
			t.Error("it was dropped half an hour early")
		}
		w.own("gone", "")
		w.own("back", "")
		time.Sleep(time.Hour)
		synctest.Wait()
		if o := w.state().overlays; o["short"] != nil || o["long"].Mute != nil || o["long"].Maintenance == nil || o["gone"] == nil {
			t.Errorf("after a day: %+v", o)
		}
		w.own("back", "file:a.yml")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if o := w.state().overlays; o["gone"] != nil || o["back"] == nil || o["managed"] == nil || len(w.gone) != 0 {
			t.Errorf("a day after it went: %+v, %v", o, w.gone)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What other exporters get for a maintenance contains the same minutes, rounded outwards.
func TestIntervals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.Int64N(int64(120 * 24 * time.Hour))))
		p := &calendar.Period{Start: start, End: start.Add(1 + time.Duration(rnd.Int64N(int64(MaxPeriod))))}
		switch i % 4 {
		case 1:
			p.Start = p.Start.Truncate(24 * time.Hour)
		case 2:
			p.Start, p.End = p.Start.Truncate(24*time.Hour), p.Start.Truncate(24*time.Hour).Add(time.Duration(1+i%30)*24*time.Hour)
		case 3:
			p.End = p.Start.Add(time.Duration(i) * time.Second)
			if i == 3 {
				p.End = p.Start.Add(1)
			}
		}
		list := intervals(p)
		if len(list) > 6 {
			t.Errorf("%v to %v: %d intervals", p.Start, p.End, len(list))
		}
		reader := config.TargetReader{Modules: config.Default().Modules}
		target, wrong, dropped := read(reader, "x", map[string]any{"url": "http://a", "maintenance": list})
		if len(wrong)+len(dropped) > 0 {
			t.Fatalf("%s: %v %v", Encode(list), wrong, dropped)
		}
		outward := &calendar.Period{Start: p.Start.Truncate(time.Minute), End: p.End.Add(time.Minute - 1).Truncate(time.Minute)}
		check := func(at time.Time) {
			if got, want := target.InMaintenance(at), outward.Contains(at); got != want {
				t.Errorf("%v to %v as %s: at %v it is %t, want %t", p.Start, p.End, Encode(list), at, got, want)
			}
		}
		for _, edge := range []time.Time{outward.Start, outward.End} {
			check(edge.Add(-1))
			check(edge)
			check(edge.Add(time.Minute))
		}
		for range 100 {
			check(p.Start.Add(time.Duration(rnd.Int64N(int64(32*24*time.Hour))) - 24*time.Hour))
		}
	}
}

func TestListed(t *testing.T) {
	w := openWorld(t, "")
	w.put(t, "a", `{"url":"http://a","maintenance":[{"weekdays":["monday"]}]}`)
	w.put(t, "b", `{"url":"http://b"}`)
	now := time.Now()
	w.set(t, Mute, hour(), "a", "not ours")
	w.set(t, Maintenance, &calendar.Period{Start: now.Add(time.Hour), End: now.Add(2 * time.Hour)}, "a")
	list, err := w.Listed(time.Now())
	if err != nil || len(list) != 2 || string(list[1]) != `{"name":"b","url":"http://b"}` {
		t.Fatalf("got %s, %v", list, err)
	}
	var a struct {
		Name, Notification string
		Maintenance        []json.RawMessage
	}
	if err := json.Unmarshal(list[0], &a); err != nil || a.Name != "a" || a.Notification != "off" || len(a.Maintenance) < 2 {
		t.Errorf("got %s, %v", list[0], err)
	}
	if list, _ := w.Listed(now.Add(3 * time.Hour)); string(list[0]) != `{"name":"a","maintenance":[{"weekdays":["monday"]}],"url":"http://a"}` {
		t.Errorf("later: %s", list[0])
	}
}
