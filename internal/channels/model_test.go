package channels

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// A modelChannel is what a channel should be.
type modelChannel struct {
	Kind     alertconf.Kind
	Enabled  bool
	Value    string // the URL of a webhook, the receiver of a receiver
	Secret   string
	Revision uint64
}

// A play is an Editor beside its model.
type play struct {
	*testing.T
	w        *world
	rnd      *rand.Rand
	channels map[string]modelChannel
	revision uint64
	// broken says that somebody else has changed the file.
	broken bool
}

func (p *play) name() string {
	if p.rnd.IntN(8) == 0 {
		return "bad"
	}
	return "c" + strconv.Itoa(p.rnd.IntN(4))
}

func (p *play) condition() managed.Condition {
	switch p.rnd.IntN(6) {
	case 0:
		return managed.Condition{}
	case 1:
		return managed.Condition{Absent: true}
	case 2, 3:
		return managed.Condition{Any: true}
	default:
		return managed.Condition{Revisions: []uint64{p.revision - min(uint64(p.rnd.IntN(4)), p.revision), uint64(p.rnd.IntN(9)) + 1}}
	}
}

// written is a body, what the channel is by it, and how its secret is written: "keep", "" or a secret. Not valid: it is wrong
// whatever there is.
func (p *play) written() (body map[string]any, m modelChannel, secret string, valid bool) {
	m.Enabled = p.rnd.IntN(2) == 0
	body = map[string]any{"enabled": m.Enabled}
	secret = []string{"keep", "keep", "", "s" + strconv.Itoa(p.rnd.IntN(3))}[p.rnd.IntN(4)]
	valid = true
	switch p.rnd.IntN(4) {
	case 0:
		m.Kind = alertconf.SlackWebhook
		if secret != "keep" && secret != "" {
			secret = slackURL + secret
		}
	case 1:
		m.Kind, m.Value = alertconf.Webhook, "https://hook.example.com/"+strconv.Itoa(p.rnd.IntN(2))
		body["url"] = m.Value
	case 2:
		m.Kind, m.Value, secret = alertconf.Receiver, []string{"pager", "nobody"}[p.rnd.IntN(2)], "keep"
		body["receiver"] = m.Value
	default:
		m.Kind, valid, secret = "email", false, "keep"
	}
	body["type"] = m.Kind
	if secret != "keep" {
		body[secretKeys[m.Kind]] = secret
	}
	return body, m, secret, valid
}

// expect is the type of the error that an edit should have, or "", by what is expected to be there.
func (p *play) expect(c managed.Condition, name string, exists bool) string {
	now, ok := p.channels[name]
	switch {
	case !ok && exists:
		return "*channels.MissingError"
	case !ok && (c.Any || len(c.Revisions) > 0):
		return "*channels.ChangedError"
	case !ok:
		return ""
	case c.Zero():
		return "*managed.RequiredError"
	case c.Absent, !c.Any && !slices.Contains(c.Revisions, now.Revision):
		return "*channels.ChangedError"
	}
	return ""
}

// publishes is the error that publishing has after a channel is put, or removed.
func (p *play) publishes(name string, removes bool) string {
	switch _, bad := p.channels["bad"]; {
	case p.broken:
		return "file"
	case bad && (name != "bad" || !removes) && p.listens(), name == "bad" && !removes && p.listens():
		return "*alertconf.RefusedError"
	}
	return ""
}

// listens reports whether somebody would refuse what is bad.
func (p *play) listens() bool {
	return slices.ContainsFunc(p.w.servers, func(s *server) bool { return !s.away })
}

func (p *play) want(what string, err error, want string) {
	p.Helper()
	got := ""
	if errors.Is(err, alertconf.ErrFileChanged) {
		got = "file"
	} else if refused, ok := errors.AsType[*alertconf.RefusedError](err); ok {
		got = fmt.Sprintf("%T", refused)
	} else if err != nil {
		got = fmt.Sprintf("%T", err)
	}
	if got != want {
		p.Fatalf("%s: got %s (%v), want %s", what, got, err, want)
	}
}

// put puts or patches a channel with everything that it has.
func (p *play) put() {
	name, c, dry, patches := p.name(), p.condition(), p.rnd.IntN(6) == 0, p.rnd.IntN(3) == 0
	body, m, secret, valid := p.written()
	e := p.w.by(c)
	e.DryRun = dry
	now, ok := p.channels[name]
	do := p.w.Put
	if patches {
		do = p.w.Patch
		for _, key := range []string{"url", "receiver", "token"} { // what is left of another type
			_, ok := body[key]
			kept := key == secretKeys[m.Kind] || key == "token" && m.Kind != alertconf.Webhook
			if !ok && !kept && m.Kind != "email" {
				body[key] = nil
			}
		}
	}
	keeps := ok && now.Kind == m.Kind && now.Secret != ""
	switch {
	case secret == "keep" && keeps:
		m.Secret = now.Secret
	case secret != "keep":
		m.Secret = secret
	}
	valid = valid && (m.Secret != "" || m.Kind != alertconf.SlackWebhook)
	out, err := do(p.Context(), e, name, managed.Encode(body))
	m.Revision = now.Revision
	if ok && valid && now == m && !c.Absent {
		p.want("the same", err, "")
		if out.Action != managed.Unchanged || out.Channel.Revision != now.Revision {
			p.Fatalf("the same: %+v", out)
		}
		return
	}
	want := p.expect(c, name, patches)
	if want == "" && !valid {
		want = "*managed.InvalidError"
	}
	if want == "" && !dry {
		want = p.publishes(name, false)
	}
	p.want(fmt.Sprintf("%s %s %t", name, managed.Encode(body), patches), err, want)
	if err != nil || dry {
		return
	}
	p.revision++
	m.Revision = p.revision
	p.channels[name] = m
	p.pending(out)
}

func (p *play) delete() {
	name, c := p.name(), p.condition()
	out, err := p.w.Delete(p.Context(), p.w.by(c), name)
	want := p.expect(c, name, true)
	if want == "" {
		want = p.publishes(name, true)
	}
	p.want("delete "+name, err, want)
	if err == nil {
		p.revision++
		delete(p.channels, name)
		p.pending(out)
	}
}

// pending checks that a change says whether all run it.
func (p *play) pending(out Outcome) {
	p.Helper()
	if away := slices.ContainsFunc(p.w.servers, func(s *server) bool { return s.away }); out.Pending != away {
		p.Fatalf("pending is %t, one is away: %t", out.Pending, away)
	}
}

// world lets something happen that is no edit.
func (p *play) world() {
	s := p.w.servers[p.rnd.IntN(len(p.w.servers))]
	switch p.rnd.IntN(5) {
	case 0:
		s.set(func(s *server) { s.away = !s.away })
	case 1:
		for _, s := range p.w.servers { // a network goes, and comes back
			s.set(func(s *server) { s.away = !s.away })
		}
	case 2:
		p.w.tend(p.Context(), true)
	case 3:
		if !p.broken {
			if err := os.WriteFile(p.w.settings.Place.ConfigFile(), []byte("by: hand"), 0o600); err != nil {
				p.Fatal(err)
			}
			p.broken = true
		}
	default:
		_, err := p.w.Apply(p.Context(), p.w.by(managed.Condition{}).By, true)
		want := ""
		if _, bad := p.channels["bad"]; bad && p.listens() {
			want = "*alertconf.RefusedError"
		}
		p.want("apply", err, want)
		p.broken = p.broken && err != nil
	}
}

// check compares everything: the channels, the file, the secrets, what the Alertmanagers run, and what is said of them.
func (p *play) check() {
	p.Helper()
	got, secrets := map[string]modelChannel{}, map[string]string{}
	disk := p.w.disk(p.T)
	for _, c := range p.w.List() {
		m := modelChannel{Kind: c.Kind, Enabled: c.Enabled, Value: c.URL + c.Receiver, Revision: c.Revision}
		if c.Secret.Set {
			m.Secret, _ = p.w.settings.Place.Secret(c.Name)
			secrets["channel-secrets/"+c.Name] = m.Secret + "\n"
		}
		got[c.Name] = m
	}
	if diff := cmp.Diff(p.channels, got); diff != "" {
		p.Fatalf("channels (-model +editor):\n%s", diff)
	}
	if n := p.w.registry.ChannelsRevision(); n != p.revision {
		p.Fatalf("revision %d, want %d", n, p.revision)
	}
	config := disk["alertmanager.yml"]
	delete(disk, "alertmanager.yml")
	states := p.w.states(p.T)
	inSync := !slices.ContainsFunc(states, func(s alertconf.State) bool { return s != alertconf.InSync })
	for name, secret := range secrets {
		if disk[name] != secret {
			p.Fatalf("the secret %s is %q, want %q", name, disk[name], secret)
		}
	}
	if away := slices.ContainsFunc(p.w.servers, func(s *server) bool { return s.away }); !away && inSync && !p.broken && !maps.Equal(disk, secrets) {
		p.Fatalf("files are left: %q, want %q", disk, secrets)
	}
	b, err := p.w.Bundle()
	if err != nil || b.Revision != p.revision || len(b.Channels) != len(p.channels) {
		p.Fatalf("bundle %+v, %v", b, err)
	}
	if p.broken {
		return
	}
	pub, err := p.w.begin()
	if err == nil {
		err = pub.render(p.revision)
	}
	if err != nil || config != string(pub.config) {
		p.Fatalf("the file: %v %s", err, cmp.Diff(string(pub.config), config))
	}
	for i, s := range p.w.servers {
		if states[i] == alertconf.InSync && !s.away && string(s.loaded) != config {
			p.Fatalf("%s should be in sync and runs %s", s.name, cmp.Diff(config, string(s.loaded)))
		}
	}
}

// TestModel makes random edits with random conditions beside a model, while Alertmanagers refuse, go and come back, and others write
// to the file, and starts again every now and then.
func TestModel(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			p := &play{T: t, w: newWorld(t, t.TempDir()), rnd: rand.New(rand.NewPCG(11, uint64(seed))), channels: map[string]modelChannel{}}
			for _, s := range p.w.servers {
				s.refuses = "bad"
			}
			for i := range 60 {
				[]func(){p.put, p.put, p.put, p.put, p.delete, p.world}[p.rnd.IntN(6)]()
				p.check()
				if i%20 == 19 {
					p.w.close(t)
					p.w.open(t)
					p.check()
				}
			}
		})
	}
}
