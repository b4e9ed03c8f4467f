package channels

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
)

func (w *world) imports(t *testing.T, c managed.Condition, mode managed.Mode, text string) (managed.Report, error) {
	t.Helper()
	d, err := managed.ParseDocument([]byte(text), !strings.HasPrefix(text, "{"))
	if err != nil {
		t.Fatal(err)
	}
	return w.Import(t.Context(), w.by(c), mode, d)
}

const document = `
targets:
  - {name: shop, url: 'http://shop'}
channels:
  - {name: live, type: slack_webhook, url: 'https://hooks.slack.com/services/canary-live', matchers: ['environment="LIVE"']}
  - {name: dev, type: webhook, url: 'https://hook.example.com/a', group_wait: 1m}
`

// What is exported can be imported: it changes nothing, and secrets stay.
func TestImport(t *testing.T) {
	w := newWorld(t, t.TempDir())
	report, err := w.imports(t, managed.Condition{}, managed.Merge, document)
	want := &managed.ChannelReport{Created: []string{"dev", "live"}, Updated: []managed.Difference{}, Deleted: []string{}}
	if diff := cmp.Diff(want, report.Channels); err != nil || diff != "" || report.Revision != 1 || len(report.Created) != 1 {
		t.Fatalf("%+v, %v %s", report, err, diff)
	}
	if w.disk(t)["channel-secrets/live"] != slackURL+"live\n" || len(w.List()) != 2 || w.registry.ChannelsRevision() != 1 {
		t.Errorf("there is %q, %+v", w.disk(t), w.List())
	}
	d, revision, err := w.Export()
	if err != nil || revision != 1 || strings.Contains(string(d.JSON()), "canary") {
		t.Fatalf("%s, revision %d, %v", d.JSON(), revision, err)
	}
	again, err := w.imports(t, managed.Condition{Revisions: []uint64{1}}, managed.Replace, string(d.JSON()))
	if err != nil || again.Unchanged != 1 || again.Channels.Unchanged != 2 || again.Revision != 1 {
		t.Errorf("%+v %+v, %v", again, again.Channels, err)
	}
	again, err = w.imports(t, managed.Condition{}, managed.Merge, document)
	if err != nil || again.Channels.Unchanged != 2 || again.Revision != 1 {
		t.Errorf("with the same secret: %+v %+v, %v", again, again.Channels, err)
	}
	changed, err := w.imports(t, managed.Condition{}, managed.Merge, strings.NewReplacer("canary-live", "canary-new", "1m", "2m").Replace(document))
	if err != nil || len(changed.Channels.Updated) != 2 || w.disk(t)["channel-secrets/live"] != slackURL+"new\n" {
		t.Fatalf("%+v %+v, %v", changed, changed.Channels, err)
	}
	text, _ := json.Marshal(changed.Channels.Updated)
	if want := `[{"name":"dev","changes":{"group_wait":["1m","2m"]}},{"name":"live","changes":{"url":[null,"\u003cchanged\u003e"]}}]`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

// A kind that a document does not have stays, also when all is replaced.
func TestImportOfOneKind(t *testing.T) {
	w := newWorld(t, t.TempDir())
	if _, err := w.imports(t, managed.Condition{}, managed.Merge, document); err != nil {
		t.Fatal(err)
	}
	if r, err := w.imports(t, overwrite, managed.Replace, `{"targets":[]}`); err != nil || len(r.Deleted) != 1 || r.Channels != nil || len(w.List()) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := w.imports(t, managed.Condition{}, managed.Merge, document); err != nil {
		t.Fatal(err)
	}
	if r, err := w.imports(t, overwrite, managed.Replace, `{"channels":[]}`); err != nil || len(r.Deleted) != 0 || len(r.Channels.Deleted) != 2 || len(w.List()) != 0 || len(w.disk(t)) != 1 {
		t.Errorf("%+v, %v, left %q", r, err, w.disk(t))
	}
	if _, ok := w.registry.Target("shop"); !ok {
		t.Error("the target went")
	}
	if r, err := w.imports(t, overwrite, managed.Replace, `{"channels":[]}`); err != nil || r.Channels.Unchanged != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	before := w.disk(t)
	for _, tt := range []struct {
		name, text string
		refuses    string
		c          managed.Condition
		mode       managed.Mode
		want       []string
		is         func(error) bool
	}{
		{
			"wrong in both", `{"targets":[{"name":"a","url":"ftp://a"}],"channels":[{"name":"b","type":"x"},{"type":"receiver","receiver":"pager"},{"name":"b","type":"receiver","receiver":"none"},5]}`,
			"",
			managed.Condition{},
			managed.Merge,
			[]string{"/channels/0/type", "/channels/1/name", "/channels/2/name", "/channels/2/receiver", "/channels/3", "/targets/0/url"},
			nil,
		},
		{"a secret is missing", `{"channels":[{"name":"b","type":"slack_webhook"}]}`, "", managed.Condition{}, managed.Merge, []string{"/channels/0/url"}, nil},
		{"refused", `{"targets":[{"name":"a","url":"http://a"}],"channels":[{"name":"b","type":"slack_webhook","url":"` + slackURL + `b"}]}`, "hc-b", managed.Condition{}, managed.Merge, nil, is[*alertconf.RefusedError]},
		{"changed", `{"targets":[],"channels":[]}`, "", managed.Condition{Revisions: []uint64{77}}, managed.Replace, nil, is[*managed.ChangedError]},
		{"required", `{"targets":[],"channels":[]}`, "", managed.Condition{}, managed.Replace, nil, is[*managed.RequiredError]},
		{"a target that is not ours", `{"targets":[{"name":"filed","url":"http://a"}],"channels":[{"name":"b","type":"receiver","receiver":"pager"}]}`, "", managed.Condition{}, "x", []string{""}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.servers[0].set(func(s *server) { s.refuses = tt.refuses })
			_, err := w.imports(t, tt.c, tt.mode, tt.text)
			if diff := cmp.Diff(tt.want, found(err)); err == nil || diff != "" || tt.is != nil && !tt.is(err) {
				t.Errorf("%v %s", err, diff)
			}
			if diff := cmp.Diff(before, w.disk(t)); diff != "" {
				t.Error(diff)
			}
			if _, ok := w.registry.Target("a"); ok || len(w.List()) != 1 {
				t.Error("something was kept")
			}
		})
	}
	e := w.by(managed.Condition{})
	e.DryRun = true
	d, err := managed.ParseDocument([]byte(document), true)
	if err != nil {
		t.Fatal(err)
	}
	report, err := w.Import(t.Context(), e, managed.Merge, d)
	if err != nil || len(report.Channels.Created) != 1 || len(report.Channels.Updated) != 0 || report.Channels.Unchanged != 1 {
		t.Errorf("a trial: %+v, %v", report.Channels, err)
	}
	if diff := cmp.Diff(before, w.disk(t)); diff != "" {
		t.Errorf("a trial: %s", diff)
	}
}

// Off, a document with channels is refused, and an export has none.
func TestImportOff(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.put(t, "live", live)
	if err := w.Configure(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.imports(t, managed.Condition{}, managed.Merge, document); !slices.Equal(found(err), []string{"/channels"}) {
		t.Errorf("got %v", err)
	}
	if d, _, err := w.Export(); err != nil || d.Channels != nil || string(d.JSON()) != "{\"targets\":[\n]}\n" {
		t.Errorf("got %s, %v", d.JSON(), err)
	}
}
