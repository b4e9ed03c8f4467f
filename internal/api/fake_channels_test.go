package api

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/channels"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

// fakeChannels keep channels in memory, and what is to go wrong with the next change.
type fakeChannels struct {
	unknown  error // what Known says
	all      map[string]channels.Channel
	secrets  map[string]string
	revision uint64
	state    alertconf.State
	wrong    error
	reported map[string]channels.Result

	tests map[string]channels.Test
}

func newFakeChannels() *fakeChannels {
	return &fakeChannels{
		all: map[string]channels.Channel{}, secrets: map[string]string{}, state: alertconf.InSync,
		reported: map[string]channels.Result{}, tests: map[string]channels.Test{},
	}
}

func (f *fakeChannels) Known() error { return f.unknown }

func (f *fakeChannels) List() (all []channels.Channel) {
	for _, name := range slices.Sorted(maps.Keys(f.all)) {
		all = append(all, f.all[name])
	}
	return all
}

func (f *fakeChannels) Channel(name string) (channels.Channel, bool) {
	c, ok := f.all[name]
	return c, ok
}

// definition is what a body has beside the channel itself.
type definition struct {
	alertconf.Channel

	Token string `json:"token"`
}

func (f *fakeChannels) Put(_ context.Context, e managed.Edit, name string, body []byte) (channels.Outcome, error) {
	d := definition{Channel: alertconf.Channel{Enabled: true, SendResolved: true}}
	if err := json.Unmarshal(body, &d); err != nil {
		return channels.Outcome{}, err
	}
	return f.keep(e, name, &d)
}

func (f *fakeChannels) Patch(_ context.Context, e managed.Edit, name string, patch []byte) (channels.Outcome, error) {
	now, ok := f.all[name]
	if !ok {
		return channels.Outcome{}, &channels.MissingError{Name: name}
	}
	d := definition{Channel: now.Channel}
	if err := json.Unmarshal(patch, &d); err != nil {
		return channels.Outcome{}, err
	}
	return f.keep(e, name, &d)
}

func (f *fakeChannels) Delete(_ context.Context, e managed.Edit, name string) (channels.Outcome, error) {
	now, ok := f.all[name]
	if !ok {
		return channels.Outcome{}, &channels.MissingError{Name: name}
	}
	if err := f.judge(e, name, &now.Channel); err != nil {
		return channels.Outcome{}, err
	}
	if !e.DryRun {
		f.revision++
		delete(f.all, name)
		delete(f.secrets, name)
	}
	return channels.Outcome{Action: managed.Deleted, Channel: now, Pending: f.pending(e)}, nil
}

// keep makes a channel what it is to be. The URL of a slack_webhook is its secret.
func (f *fakeChannels) keep(e managed.Edit, name string, d *definition) (channels.Outcome, error) {
	d.Name = name
	secret := d.Token
	if d.Kind == alertconf.SlackWebhook {
		secret, d.URL = d.URL, ""
	}
	if err := f.judge(e, name, &d.Channel); err != nil {
		return channels.Outcome{}, err
	}
	if d.Kind == "" {
		return channels.Outcome{}, &managed.InvalidError{What: "channel", Problems: []managed.Problem{{Pointer: "/type", Detail: "missing"}}}
	}
	now, there := f.all[name]
	stamp := managed.Stamp{At: time.Now().UTC(), By: e.By.Name}
	c := channels.Channel{Channel: d.Channel, Revision: now.Revision, Created: stamp, Updated: stamp, Secret: now.Secret}
	action := managed.Created
	if there {
		action, c.Created = managed.Updated, now.Created
	}
	if secret != "" {
		c.Secret = channels.Secret{Set: true, UpdatedAt: stamp.At}
	}
	if !e.DryRun {
		f.revision++
		c.Revision = f.revision
		f.all[name] = c
		f.secrets[name] = secret
	}
	return channels.Outcome{Action: action, Channel: c, Pending: f.pending(e), Warnings: []string{"alerts of no target have this label"}}, nil
}

func (f *fakeChannels) pending(e managed.Edit) bool {
	return !e.DryRun && f.state == alertconf.Unreachable
}

// fakeDocuments are those of a registry, with fake channels.
type fakeDocuments struct {
	*managed.Registry

	channels *fakeChannels
}

func (f fakeDocuments) Export() (managed.Document, uint64, error) {
	d, revision, err := f.Registry.Export()
	for _, c := range f.channels.List() {
		d.Channels = append(d.Channels, encoded(c.Channel))
	}
	return d, revision, err
}

func (f fakeDocuments) Import(ctx context.Context, e managed.Edit, mode managed.Mode, d managed.Document) (managed.Report, error) {
	given := d.Channels
	d.Channels = nil
	report, err := f.Registry.Import(ctx, e, mode, d)
	if given != nil {
		report.Channels = &managed.ChannelReport{Created: []string{}, Deleted: []string{}, Unchanged: len(given), Updated: []managed.Difference{{
			Name: "live", Changes: map[string][2]json.RawMessage{"url": {nil, encoded(managed.SecretChanged)}},
		}}}
	}
	return report, err
}

// judge returns why an edit cannot be made of what becomes c.
func (f *fakeChannels) judge(e managed.Edit, name string, c *alertconf.Channel) error {
	now, there := f.all[name]
	if there {
		if err := e.By.May(now.Environments()...); err != nil {
			return err
		}
	}
	if err := e.By.May(c.Environments()...); err != nil {
		return err
	}
	met := e.If.Any || slices.Contains(e.If.Revisions, now.Revision)
	switch {
	case there && e.If.Absent, there && len(e.If.Revisions) > 0 && !met, !there && (e.If.Any || len(e.If.Revisions) > 0):
		return &channels.ChangedError{ChangedError: managed.ChangedError{Revision: now.Revision, Want: e.If}, Current: now}
	case there && !met:
		return &managed.RequiredError{Revision: now.Revision}
	}
	return f.wrong
}

func (f *fakeChannels) Apply(_ context.Context, _ managed.Author, overwrite bool) (channels.Alertmanager, error) {
	if f.wrong != nil && !overwrite {
		return channels.Alertmanager{}, f.wrong
	}
	return f.Alertmanager()
}

func (f *fakeChannels) Alertmanager() (channels.Alertmanager, error) {
	return channels.Alertmanager{
		Revision: f.revision, File: "/etc/alertmanager/alertmanager.yml", Servers: []alertconf.Standing{{Server: "am-1", State: f.state, LookedAt: time.Now().UTC()}},
	}, nil
}

func (f *fakeChannels) Config() ([]byte, error) { return []byte("receivers: [{name: hc-live}]\n"), nil }

func (f *fakeChannels) Bundle() (channels.Bundle, error) {
	b := channels.Bundle{Revision: f.revision, Base: "route: {}", BaseFile: "/etc/base.yml", Secrets: f.secrets}
	for _, c := range f.List() {
		b.Channels = append(b.Channels, c.Channel)
	}
	return b, nil
}

func (f *fakeChannels) Report(server string, r channels.Result) error {
	f.reported[server] = r
	return nil
}

func (f *fakeChannels) Start(name, by string) (channels.Test, error) {
	if f.wrong != nil {
		return channels.Test{}, f.wrong
	}
	t := channels.Test{Channel: name, By: by, Started: time.Now().UTC(), Hops: []channels.Hop{{Name: "receiver", OK: true}}}
	f.tests[name] = t
	return t, nil
}

func (f *fakeChannels) Last(name string) (channels.Test, bool) {
	t, ok := f.tests[name]
	return t, ok
}
