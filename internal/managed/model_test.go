package managed

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
)

// A model is what a Registry should be: two maps.
type model struct {
	targets           map[string]modelTarget
	muted             map[string]time.Time // until when
	revision, changed uint64
}

type modelTarget struct {
	definition string
	revision   uint64
}

// expect is the type of the error that an edit of one target should have, or "".
func (m *model) expect(c Condition, name string, exists bool) string {
	now, ok := m.targets[name]
	switch {
	case !ok && exists:
		return "*managed.MissingError"
	case !ok && (c.Any || len(c.Revisions) > 0):
		return "*managed.ChangedError"
	case !ok:
		return ""
	case !c.Absent && !c.Any && len(c.Revisions) == 0:
		return "*managed.RequiredError"
	case c.Absent, !c.Any && !slices.Contains(c.Revisions, now.revision):
		return "*managed.ChangedError"
	}
	return ""
}

func (m *model) put(name, definition string) {
	m.revision++
	m.changed = m.revision
	m.targets[name] = modelTarget{definition, m.revision}
}

func (m *model) delete(name string) {
	m.revision++
	m.changed = m.revision
	delete(m.targets, name)
}

// A play is a Registry beside its model.
type play struct {
	*testing.T
	w   *world
	m   *model
	rnd *rand.Rand
}

func (p *play) name() string { return "t" + strconv.Itoa(p.rnd.IntN(6)) }

func (p *play) definition() (text string, valid bool) {
	if p.rnd.IntN(8) == 0 {
		return `{"url":"ftp://a"}`, false
	}
	return fmt.Sprintf(`{"labels":{"n":"%d"},"url":"http://a"}`, p.rnd.IntN(3)), true
}

func (p *play) condition() Condition {
	switch p.rnd.IntN(5) {
	case 0:
		return Condition{}
	case 1:
		return Condition{Absent: true}
	case 2:
		return Condition{Any: true}
	default:
		return Condition{Revisions: []uint64{p.m.revision - min(uint64(p.rnd.IntN(4)), p.m.revision), uint64(p.rnd.IntN(20)) + 1}}
	}
}

func (p *play) want(what string, err error, want string) {
	p.Helper()
	got := ""
	if err != nil {
		got = fmt.Sprintf("%T", err)
	}
	if got != want {
		p.Fatalf("%s: got %s (%v), want %s", what, got, err, want)
	}
}

func (p *play) put() {
	name, c, dry := p.name(), p.condition(), p.rnd.IntN(5) == 0
	text, valid := p.definition()
	e := p.w.by(c)
	e.DryRun = dry
	out, err := p.w.Put(p.Context(), e, name, []byte(text))
	if now, ok := p.m.targets[name]; ok && valid && now.definition == text && !c.Absent {
		p.want("putting the same", err, "")
		if out.Action != Unchanged || out.Target.Revision != now.revision {
			p.Fatalf("putting the same: %+v", out)
		}
		return
	}
	want := p.m.expect(c, name, false)
	if want == "" && !valid {
		want = "*managed.InvalidError"
	}
	p.want("put "+text, err, want)
	if err == nil && !dry {
		p.m.put(name, text)
	}
}

func (p *play) patch() {
	name, c, n := p.name(), p.condition(), strconv.Itoa(p.rnd.IntN(3))
	_, err := p.w.Patch(p.Context(), p.w.by(c), name, []byte(`{"labels":{"n":"`+n+`"}}`))
	text := fmt.Sprintf(`{"labels":{"n":%q},"url":"http://a"}`, n)
	if now, ok := p.m.targets[name]; ok && now.definition == text && !c.Absent {
		p.want("patching to the same", err, "")
		return
	}
	p.want("patch", err, p.m.expect(c, name, true))
	if err == nil {
		p.m.put(name, text)
	}
}

func (p *play) delete() {
	name, c := p.name(), p.condition()
	_, err := p.w.Delete(p.Context(), p.w.by(c), name)
	p.want("delete", err, p.m.expect(c, name, true))
	if err == nil {
		p.m.delete(name)
	}
}

func (p *play) imports() {
	mode := []Mode{Merge, Replace}[p.rnd.IntN(2)]
	c := p.condition()
	c.Absent = false
	var d Document
	written := map[string]string{}
	wrong := ""
	for range p.rnd.IntN(4) {
		name := p.name()
		text, valid := p.definition()
		if _, twice := written[name]; twice || !valid {
			wrong = "*managed.InvalidError"
		}
		written[name] = text
		d.Targets = append(d.Targets, named(name, json.RawMessage(text)))
	}
	report, err := p.w.Import(p.Context(), p.w.by(c), mode, d)
	nothing := !c.Any && len(c.Revisions) == 0
	switch {
	case mode == Replace && nothing:
		p.want("import", err, "*managed.RequiredError")
		return
	case !nothing && !c.Any && !slices.Contains(c.Revisions, p.m.changed):
		p.want("import", err, "*managed.ChangedError")
		return
	}
	p.want("import", err, wrong)
	if err != nil {
		return
	}
	before := p.m.revision
	for name, text := range written {
		if p.m.targets[name].definition != text {
			p.m.put(name, text)
		}
	}
	for name := range p.m.targets {
		if _, ok := written[name]; !ok && mode == Replace {
			p.m.delete(name)
		}
	}
	if p.m.revision > before { // one change, of many
		for name, now := range p.m.targets {
			now.revision = min(now.revision, before+1)
			p.m.targets[name] = now
		}
		p.m.revision, p.m.changed = before+1, before+1
	}
	if report.Revision != p.m.changed {
		p.Fatalf("import: revision %d, want %d", report.Revision, p.m.changed)
	}
}

func (p *play) mute() {
	name := p.name()
	until := time.Now().Add(time.Duration(2+p.rnd.IntN(2)) * 24 * time.Hour).Truncate(24 * time.Hour) // a day from now at least
	period := &calendar.Period{End: until}
	e := Edit{By: anybody("mute" + strconv.Itoa(p.rnd.IntN(1000000)))}
	if p.rnd.IntN(3) == 0 {
		period = nil
	}
	changed, err := p.w.Set(p.Context(), e, Mute, []Subject{{Name: name}}, period)
	p.want("mute", err, "")
	_, muted := p.m.muted[name]
	if period == nil {
		if muted != (len(changed) == 1) {
			p.Fatalf("unmute: changed %q, it was muted: %t", changed, muted)
		}
		delete(p.m.muted, name)
	} else {
		p.m.muted[name] = until
	}
	if len(changed) == 1 {
		p.m.revision++
	}
}

// check compares everything that can be asked for.
func (p *play) check() {
	p.Helper()
	want := map[string]modelTarget{}
	var names []string
	for _, name := range p.w.state().names() {
		t, _ := p.w.Target(name)
		want[name] = modelTarget{string(t.Definition), t.Revision}
		names = append(names, name)
	}
	if diff := cmp.Diff(p.m.targets, want, cmp.AllowUnexported(modelTarget{})); diff != "" {
		p.Fatalf("targets (-model +registry):\n%s", diff)
	}
	if s := p.w.state(); s.Revision != p.m.revision || s.Targets != p.m.changed {
		p.Fatalf("revision %d and %d, want %d and %d", s.Revision, s.Targets, p.m.revision, p.m.changed)
	}
	for i := range 6 {
		name := "t" + strconv.Itoa(i)
		mute, until := p.w.Mute(name, time.Now()), p.m.muted[name]
		if (mute != nil) != !until.IsZero() || mute != nil && !mute.End.Equal(until) {
			p.Fatalf("%s is muted %+v, want until %v", name, mute, until)
		}
	}
	targets, wrong, err := p.w.Supplied(p.w.settings.Load().reader)
	if len(targets) != len(names) || len(wrong) > 0 || err != nil {
		p.Fatalf("supplied %d of %d, %v, %v", len(targets), len(names), wrong, err)
	}
	size := 0
	for name, t := range p.m.targets {
		size += len(name) + len(t.definition)
	}
	if got := p.w.state().size; got != size {
		p.Fatalf("size %d, want %d", got, size)
	}
}

// TestModel makes random edits with random conditions beside a model, many times, and opens the file again every now and then.
func TestModel(t *testing.T) {
	seeds := 400
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			dir := ""
			if seed%20 == 0 {
				dir = t.TempDir()
			}
			p := &play{
				T: t, w: openWorld(t, dir), rnd: rand.New(rand.NewPCG(7, uint64(seed))),
				m: &model{targets: map[string]modelTarget{}, muted: map[string]time.Time{}},
			}
			for i := range 60 {
				[]func(){p.put, p.put, p.put, p.patch, p.delete, p.imports, p.mute}[p.rnd.IntN(7)]()
				p.check()
				if dir != "" && i%20 == 19 {
					if err := p.w.Close(); err != nil {
						t.Fatal(err)
					}
					p.w = openWorld(t, dir)
					p.check()
				}
			}
		})
	}
}

// Many who count up one target, each by what it has read, lose nothing, while others do other things.
func TestConcurrent(t *testing.T) {
	w := openWorld(t, t.TempDir())
	w.put(t, "counter", `{"url":"http://a","labels":{"n":"0"}}`)
	var author atomic.Int64
	by := func(c Condition) Edit { return Edit{By: anybody(fmt.Sprint("c", author.Add(1)%900)), If: c} }
	count := func(worker int) {
		for {
			now, _ := w.Target("counter")
			var was struct {
				Labels struct {
					N int `json:",string"`
				}
			}
			if err := json.Unmarshal(now.Definition, &was); err != nil {
				t.Error(err)
			}
			// Who has counted makes it unlike that of the others: to put what is there already is no conflict.
			_, err := w.Put(t.Context(), by(Condition{Revisions: []uint64{now.Revision}}), "counter",
				fmt.Appendf(nil, `{"url":"http://a","labels":{"n":"%d","by":"%d"}}`, was.Labels.N+1, worker))
			if err == nil {
				return
			}
			if changed, ok := errors.AsType[*ChangedError](err); !ok || changed.Now.Name != "counter" {
				t.Error(err)
				return
			}
		}
	}
	const workers, each = 8, 10
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for j := range each {
				count(i)
				name := fmt.Sprintf("t%d-%d", i, j)
				if _, err := w.Put(t.Context(), by(Condition{}), name, []byte(shop)); err != nil {
					t.Error(err)
				}
				if _, err := w.Set(t.Context(), by(Condition{}), Maintenance, []Subject{{Name: name}}, &calendar.Period{End: time.Now().Add(time.Hour), UntilHealthy: true}); err != nil {
					t.Error(err)
				}
				w.Observe(name, false, time.Now())
				w.Mute(name, time.Now())
				w.Overlays(Mute, time.Now())
				w.Edits(name, 3)
				if _, _, err := w.Supplied(w.settings.Load().reader); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	now, _ := w.Target("counter")
	if want := fmt.Sprintf(`"n":"%d"`, workers*each); !strings.Contains(string(now.Definition), want) {
		t.Errorf("got %s, want %s", now.Definition, want)
	}
	if d, _, _ := w.Export(); len(d.Targets) != 1+workers*each {
		t.Errorf("%d targets", len(d.Targets))
	}
}
