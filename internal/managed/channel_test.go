package managed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// keep makes an edit of channels.
func (w *world) keep(t *testing.T, changes ...ChannelChange) {
	t.Helper()
	if _, err := w.KeepChannels(t.Context(), ChannelEdit{By: anybody("alice"), Changes: changes}); err != nil {
		t.Fatal(err)
	}
}

func defined(name, text string) ChannelChange {
	return ChannelChange{Name: name, Definition: json.RawMessage(text)}
}

func (w *world) channels(t *testing.T) (all []Channel, n uint64) {
	t.Helper()
	all, n, err := w.Channels()
	if err != nil {
		t.Fatal(err)
	}
	return all, n
}

// Channels have a counter of their own, and what is kept is there after a restart.
func TestChannels(t *testing.T) {
	dir := t.TempDir()
	w := openWorld(t, dir)
	w.put(t, "live", shop)
	c := defined("live", `{"type":"slack_webhook"}`)
	c.Secret, c.SecretSet = "url", true
	w.keep(t, c, defined("dev", `{"type":"webhook","url":"http://a"}`))
	w.keep(t, defined("live", `{"enabled":false,"type":"slack_webhook"}`))
	if err := w.SetApply(json.RawMessage(`{"digest":"x"}`)); err != nil {
		t.Fatal(err)
	}
	before, n := w.channels(t)
	if n != 2 || len(before) != 2 || before[0].Name != "dev" || before[0].Revision != 1 || before[1].Revision != 2 || before[1].SecretAt.IsZero() ||
		!before[0].SecretAt.IsZero() || w.state().Revision != 3 || w.state().Targets != 1 || w.state().changed() != 3 {
		t.Errorf("there are %+v, revision %d of %+v", before, n, w.state().meta)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = openWorld(t, dir)
	after, n := w.channels(t)
	if diff := cmp.Diff(before, after); diff != "" || n != 2 {
		t.Errorf("after a restart: revision %d %s", n, diff)
	}
	if apply, err := w.Apply(); string(apply) != `{"digest":"x"}` || err != nil {
		t.Errorf("apply is %s, %v", apply, err)
	}
	drop := defined("dev", `{"type":"webhook","url":"http://a"}`)
	drop.Secret = "token"
	w.keep(t, ChannelChange{Name: "live"}, drop)
	if all, n := w.channels(t); n != 3 || len(all) != 1 {
		t.Errorf("after a removal: %+v, %d", all, n)
	}
	if got := testutil.ToFloat64(w.metrics.changes.WithLabelValues("channel", "deleted")); got != 1 {
		t.Errorf("%v were deleted, want 1", got)
	}
	var changes []string
	for _, e := range audited(t, dir, 4) {
		if e.Kind == KindChannel {
			changes = append(changes, e.Name+" "+string(e.Action)+" "+string(e.Change))
		}
	}
	if diff := cmp.Diff([]string{
		`live created {"type":"slack_webhook","url":"<changed>"}`, `dev created {"type":"webhook","url":"http://a"}`,
		`live updated {"enabled":false}`, `live deleted null`, `dev updated {"token":null}`,
	}, changes); diff != "" {
		t.Error(diff)
	}
	if a, b := w.Edits("live", 10), w.ChannelEdits("live", 10); len(a) != 1 || a[0].Kind != KindTarget || len(b) != 3 || b[0].Action != Deleted {
		t.Errorf("edits of the target %+v, of the channel %+v", a, b)
	}
}

// A change of a channel that could not be audited is made up from its record, also beside a target of the same name and revision.
func TestChannelsNotAudited(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, AuditName+".jsonl")
	if err := os.Mkdir(log, 0o700); err != nil {
		t.Fatal(err)
	}
	w := openWorld(t, dir)
	if _, err := w.ImportWith(t.Context(), w.by(Condition{}), Merge, Document{
		Targets: []json.RawMessage{json.RawMessage(`{"name":"a","url":"http://a"}`)}, Channels: []json.RawMessage{},
	}, &ChannelEdit{By: anybody("bob"), Changes: []ChannelChange{defined("a", `{"type":"receiver"}`)}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		w = openWorld(t, dir)
	}
	var found []string
	for _, e := range audited(t, dir, 1) {
		found = append(found, string(e.Kind)+" "+e.Name+" "+string(e.Action)+" "+e.Who)
	}
	if diff := cmp.Diff([]string{"channel a recovered bob", "target a recovered author1"}, found); diff != "" {
		t.Error(diff)
	}
}

// Targets and channels of one document are kept together or not at all, and a kind that a document does not have stays.
func TestImportWithChannels(t *testing.T) {
	w := openWorld(t, t.TempDir())
	imports := func(mode Mode, c Condition, d Document, with *ChannelEdit) (Report, error) {
		return w.ImportWith(t.Context(), w.by(c), mode, d, with)
	}
	list := func(texts ...string) []json.RawMessage {
		all := []json.RawMessage{}
		for _, text := range texts {
			all = append(all, json.RawMessage(text))
		}
		return all
	}
	with := &ChannelEdit{By: anybody("alice"), Changes: []ChannelChange{defined("c", `{"type":"webhook"}`)}}
	if _, err := imports(Merge, Condition{}, Document{Targets: list(`{"name":"a","url":"ftp://a"}`), Channels: list()}, with); !is[*InvalidError](err) {
		t.Errorf("got %v", err)
	}
	if all, n := w.channels(t); len(all) != 0 || n != 0 {
		t.Errorf("a channel was kept without the target: %+v", all)
	}
	report, err := imports(Merge, Condition{Absent: true}, Document{Targets: list(`{"name":"a","url":"http://a"}`), Channels: list()}, with)
	if err != nil || report.Revision != 1 || w.state().Revision != 1 {
		t.Fatalf("got %+v, %v", report, err)
	}
	report, err = imports(Replace, Condition{Revisions: []uint64{1}}, Document{Channels: list()}, &ChannelEdit{By: anybody("alice"), Changes: []ChannelChange{{Name: "c"}}})
	if _, ok := w.Target("a"); err != nil || report.Revision != 2 || !ok || len(report.Deleted) > 0 {
		t.Errorf("a document without targets: %+v, %v, the target is there: %t", report, err, ok)
	}
	if _, err := imports(Replace, Condition{Revisions: []uint64{1}}, Document{Channels: list()}, nil); !is[*ChangedError](err) {
		t.Errorf("a channel has changed since: %v", err)
	}
	w.keep(t, defined("d", `{"type":"webhook","url":"http://d"}`))
	d, revision, err := w.ExportWith()
	if err != nil || revision != 3 {
		t.Fatalf("revision %d, %v", revision, err)
	}
	if want := "{\"targets\":[\n{\"name\":\"a\",\"url\":\"http://a\"}\n],\"channels\":[\n{\"name\":\"d\",\"type\":\"webhook\",\"url\":\"http://d\"}\n]}\n"; string(d.JSON()) != want {
		t.Errorf("exported: %s", d.JSON())
	}
	yaml, err := d.YAML()
	if err != nil || !strings.Contains(string(yaml), "channels:\n  - name: d\n") {
		t.Errorf("exported: %s, %v", yaml, err)
	}
	for _, text := range [][]byte{d.JSON(), yaml} {
		again, err := ParseDocument(text, text[0] != '{')
		if diff := cmp.Diff(d, again); diff != "" || err != nil {
			t.Errorf("read again: %v %s", err, diff)
		}
	}
	if again, err := ParseDocument([]byte(`{"channels":[]}`), false); err != nil || again.Targets != nil || again.Channels == nil {
		t.Errorf("channels alone: %+v, %v", again, err)
	}
}

// Before the file is open it is not known what there is.
func TestChannelsUnknown(t *testing.T) {
	w := newWorld(t, t.TempDir(), editable())
	_, _, err1 := w.Channels()
	_, err2 := w.Apply()
	_, err3 := w.KeepChannels(t.Context(), ChannelEdit{})
	for _, err := range []error{err1, err2, err3, w.SetApply(json.RawMessage(`{}`)), w.Storable()} {
		if !is[*StoreError](err) {
			t.Errorf("got %v, want a StoreError", err)
		}
	}
}
