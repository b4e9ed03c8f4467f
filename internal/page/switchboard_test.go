package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

var (
	_ ChannelEditor = (*channels.Editor)(nil)
	_ ChannelTests  = (*channels.Tests)(nil)
)

// A switchboard is a ChannelEditor and ChannelTests in memory.
type switchboard struct {
	all      map[string]channels.Channel
	secrets  map[string]string
	bodies   []string // that were sent, with their action
	revision uint64
	off      error // what Writable says
	unknown  error // what Known says
	fails    error // what every change ends with
	pending  bool
	servers  []alertconf.Standing
	applied  []bool // whether to overwrite
	tests    map[string]channels.Test
}

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func switchboardOf(all ...channels.Channel) *switchboard {
	s := &switchboard{
		all: map[string]channels.Channel{}, secrets: map[string]string{}, tests: map[string]channels.Test{}, revision: 7,
		servers: []alertconf.Standing{{Server: "am-1", State: alertconf.InSync, LookedAt: noon, InSyncAt: noon}},
	}
	for _, ch := range all {
		ch.Revision, ch.Created, ch.Updated = 7, managed.Stamp{At: noon, By: "carol"}, managed.Stamp{At: noon, By: "bob"}
		s.all[ch.Name] = ch
	}
	return s
}

func (s *switchboard) Writable() error { return s.off }

func (s *switchboard) Known() error { return s.unknown }

func (s *switchboard) List() (all []channels.Channel) {
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		all = append(all, s.all[name])
	}
	return all
}

func (s *switchboard) Channel(name string) (channels.Channel, bool) {
	ch, ok := s.all[name]
	return ch, ok
}

// judge is what an edit ends with because of its author and its condition.
func (s *switchboard) judge(e managed.Edit, name string) error {
	now, ok := s.all[name]
	if ok {
		if err := e.By.May(now.Environments()...); err != nil {
			return err
		}
	}
	changed := &managed.ChangedError{Now: managed.Target{Name: now.Name, Revision: now.Revision, Updated: now.Updated}, Revision: now.Revision, Want: e.If}
	switch {
	case s.off != nil:
		return s.off
	case ok && (e.If.Absent || len(e.If.Revisions) == 1 && e.If.Revisions[0] != now.Revision):
		return changed
	case !ok && !e.If.Absent:
		return &channels.MissingError{Name: name}
	}
	return s.fails
}

func (s *switchboard) keep(e managed.Edit, name string, body map[string]any) (channels.Outcome, error) {
	was, had := s.all[name]
	ch := was
	secret := map[any]string{"slack_webhook": "url", "slack_bot": "token", "webhook": "token"}[body["type"]]
	if text, typed := body[secret].(string); typed {
		delete(body, secret)
		s.secrets[name] = text
		ch.Secret = channels.Secret{Set: text != "", UpdatedAt: noon}
	}
	wait := body["group_wait"]
	delete(body, "group_wait")
	text, err := json.Marshal(body)
	if err != nil {
		return channels.Outcome{}, err
	}
	ch.Channel = alertconf.Channel{Enabled: true, SendResolved: true}
	if err := json.Unmarshal(text, &ch.Channel); err != nil {
		return channels.Outcome{}, err
	}
	ch.Name = name
	if err := e.By.May(ch.Environments()...); err != nil {
		return channels.Outcome{}, err
	}
	invalid := &managed.InvalidError{What: "channel"}
	if text, ok := wait.(string); ok {
		d, err := config.ParseDuration(text)
		if err != nil {
			invalid.Problems = append(invalid.Problems, managed.Problem{Pointer: "/group_wait", Detail: err.Error()})
		}
		ch.GroupWait = &d
	}
	for _, problem := range ch.Check([]string{"hooks.slack.com", "chat.example.com"}) {
		invalid.Problems = append(invalid.Problems, managed.Problem{Pointer: "/" + problem.Field, Detail: problem.Detail})
	}
	if secret != "" && ch.Kind != alertconf.Webhook && !ch.Secret.Set {
		invalid.Problems = append(invalid.Problems, managed.Problem{Pointer: "/" + secret, Detail: "missing, and a " + string(ch.Kind) + " needs it"})
	}
	if len(invalid.Problems) > 0 {
		return channels.Outcome{}, invalid
	}
	s.revision++
	ch.Revision, ch.Updated = s.revision, managed.Stamp{At: time.Now(), By: e.By.Name}
	if !had {
		ch.Created = ch.Updated
	}
	s.all[name] = ch
	return channels.Outcome{Channel: ch, Pending: s.pending}, nil
}

func (s *switchboard) Put(_ context.Context, e managed.Edit, name string, body []byte) (channels.Outcome, error) {
	s.bodies = append(s.bodies, "put "+string(body))
	if err := s.judge(e, name); err != nil {
		return channels.Outcome{}, err
	}
	var d map[string]any
	if err := json.Unmarshal(body, &d); err != nil {
		return channels.Outcome{}, err
	}
	return s.keep(e, name, d)
}

func (s *switchboard) Patch(_ context.Context, e managed.Edit, name string, patch []byte) (channels.Outcome, error) {
	s.bodies = append(s.bodies, "patch "+string(patch))
	if err := s.judge(e, name); err != nil {
		return channels.Outcome{}, err
	}
	var d, with map[string]any
	now := s.all[name]
	wait := now.GroupWait
	now.GroupWait = nil
	text, err := json.Marshal(now.Channel)
	if err := errors.Join(err, json.Unmarshal(text, &d), json.Unmarshal(patch, &with)); err != nil {
		return channels.Outcome{}, err
	}
	if wait != nil {
		d["group_wait"] = wait.String()
	}
	return s.keep(e, name, merged(d, with))
}

func (s *switchboard) Delete(_ context.Context, e managed.Edit, name string) (channels.Outcome, error) {
	if err := s.judge(e, name); err != nil {
		return channels.Outcome{}, err
	}
	delete(s.all, name)
	return channels.Outcome{Action: managed.Deleted, Pending: s.pending}, nil
}

func (s *switchboard) Apply(_ context.Context, _ managed.Author, overwrite bool) (channels.Alertmanager, error) {
	s.applied = append(s.applied, overwrite)
	if s.fails != nil && !overwrite {
		return channels.Alertmanager{}, s.fails
	}
	return s.Alertmanager()
}

func (s *switchboard) Alertmanager() (channels.Alertmanager, error) {
	return channels.Alertmanager{Revision: s.revision, File: "/etc/alertmanager/healthcheck/alertmanager.yml", Servers: s.servers}, nil
}

func (s *switchboard) Start(channel, by string) (channels.Test, error) {
	if t, ok := s.tests[channel]; ok && t.Ended.IsZero() {
		return t, &managed.TooManyError{Err: fmt.Errorf("channel %q is being tested", channel)}
	}
	t := channels.Test{Channel: channel, By: by, Started: time.Now()}
	s.tests[channel] = t
	return t, s.fails
}

func (s *switchboard) Last(channel string) (channels.Test, bool) {
	t, ok := s.tests[channel]
	return t, ok
}

// A panel is a desk at which people make channels.
type panel struct {
	*desk
	board    *switchboard
	silences []channels.Silence
}

// wait is a group_wait.
func wait(d time.Duration) *config.Duration {
	w := config.Duration(d)
	return &w
}

// hostileName would be a script if it were not escaped, and has letters that are written from the right, and one of four bytes.
const hostileName = `</script>"'&<img src=x> שלום 🔔`

// live hears of LIVE, by a webhook of Slack.
var live = channels.Channel{
	Channel: alertconf.Channel{Name: "alerts-live", Kind: alertconf.SlackWebhook, Enabled: true, SendResolved: true, Matchers: []string{`environment="LIVE"`}, GroupWait: wait(500 * time.Millisecond)},
	Secret:  channels.Secret{Set: true, UpdatedAt: noon},
}

// panelOf has channels of every kind.
func panelOf(tb testing.TB, more ...channels.Channel) *panel {
	tb.Helper()
	p := &panel{desk: deskOf(tb), board: switchboardOf(append(more, []channels.Channel{
		live,
		{Channel: alertconf.Channel{Name: hostileName, Kind: alertconf.SlackBot, Enabled: true, Matchers: []string{`environment=~"DEV|STAGE"`, `team!="<b>"`}, Channel: "#dev"}, Secret: channels.Secret{Set: true}},
		{Channel: alertconf.Channel{Name: "ops", Kind: alertconf.Webhook, SendResolved: true, URL: "https://chat.example.com/hook"}, Secret: channels.Secret{Set: true, UpdatedAt: noon}},
		{Channel: alertconf.Channel{Name: "pager", Kind: alertconf.Receiver, Enabled: true, SendResolved: true, Receiver: "pagerduty-ops", Matchers: []string{`severity="critical"`}}},
	}...)...)}
	p.Channels = &Channels{
		Editor: p.board, Tests: p.board,
		Author: func(r *http.Request, role access.Role, of string) managed.Author {
			id := access.From(r.Context())
			return managed.Author{Name: id.Name, Role: id.Role.String(), May: func(environments ...string) error { return access.JudgeAt(id, role, of, environments...) }}
		},
		Labels: func(e *inventory.Entry) map[string]string {
			return map[string]string{"alertname": "HealthcheckTargetDown", "target": e.Name, "environment": e.Environment}
		},
		Receivers: func() []string { return []string{"nobody", "pagerduty-ops"} },
		Silences:  func(*inventory.Entry) []channels.Silence { return p.silences },
	}
	p.Channels.Told = func(e *inventory.Entry) (all []channels.Channel) {
		for _, ch := range p.board.List() {
			if ch.Selects(p.Channels.Labels(e)) {
				all = append(all, ch)
			}
		}
		return all
	}
	p.mux.HandleFunc("GET /channels", p.ListChannels)
	p.mux.HandleFunc("GET /channels/{name}", p.ShowChannel)
	p.mux.HandleFunc("GET /add-channel", p.AddChannel)
	p.mux.HandleFunc("POST /channels", p.CreateChannel)
	p.mux.HandleFunc("POST /channels/{name}", p.ChangeChannel)
	p.mux.HandleFunc("POST /channels/{name}/delete", p.DeleteChannel)
	p.mux.Handle("POST /channels/{name}/on", p.SwitchChannel(true))
	p.mux.Handle("POST /channels/{name}/off", p.SwitchChannel(false))
	p.mux.HandleFunc("POST /channels/{name}/test", p.TestChannel)
	p.mux.HandleFunc("POST /alertmanager/apply", p.ApplyChannels)
	p.mux.HandleFunc("GET /assets/{version}/{file}", p.Asset)
	return p
}
