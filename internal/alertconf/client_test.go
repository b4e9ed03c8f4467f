package alertconf

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fakeAPI answers by path and remembers what it was sent.
type fakeAPI struct {
	answers map[string]string
	sent    map[string]any
	err     error // the answer to Get and Post
}

func (f *fakeAPI) Get(_ context.Context, path string) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	return []byte(f.answers[path]), nil
}

func (f *fakeAPI) GetJSON(_ context.Context, path string, answer any) error {
	text, ok := f.answers[path]
	if !ok {
		return errors.New("status 404, want 200")
	}
	return json.Unmarshal([]byte(text), answer)
}

func (f *fakeAPI) Post(_ context.Context, path string, value any) ([]byte, error) {
	if f.sent != nil {
		f.sent[path] = value
	}
	return nil, f.err
}

func TestSetup(t *testing.T) {
	status := func(version, configuration string) map[string]string {
		text, err := json.Marshal(map[string]any{"config": map[string]string{"original": configuration}, "versionInfo": map[string]string{"version": version}})
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{"api/v2/status": string(text)}
	}
	for _, tc := range []struct {
		name    string
		answers map[string]string
		want    Setup
		err     string // part of it
	}{
		{
			"all kinds", status("0.28.1", "receivers:\n- name: team\n  slack_configs: [{channel: a}, {channel: b}]\n  webhook_configs: [{url: x}]\n- name: nobody\n"),
			Setup{Version: "0.28.1", Integrations: map[string]map[string]int{"team": {"slack": 2, "webhook": 1}, "nobody": {}}},
			"",
		},
		{"without a version", status("", "receivers: []"), Setup{Integrations: map[string]map[string]int{}}, ""},
		{"keys that are not lists", status("", "receivers: [{name: a, slack_configs: x, other: [1]}, {slack_configs: [{}]}]"), Setup{Integrations: map[string]map[string]int{"a": {}, "": {"slack": 1}}}, ""},
		{"not YAML", status("", "\t{"), Setup{}, "reading the configuration of Alertmanager: "},
		{"another program", nil, Setup{}, "status 404, want 200"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := NewClient(&fakeAPI{answers: tc.answers}).Setup(t.Context())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("setup (-want +got):\n%s", diff)
			}
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
		})
	}
}

func TestAlerts(t *testing.T) {
	api := &fakeAPI{sent: map[string]any{}, answers: map[string]string{
		"api/v2/alerts": `[{"labels":{"alertname":"a","target":"shop"},"status":{"state":"active"}},{"labels":{"alertname":"a"},"status":{"state":"suppressed","silencedBy":["12ab"]}}]`,
	}}
	c := NewClient(api)
	known, err := c.Alerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a := Find(known, map[string]string{"alertname": "a"}); a == nil || a.Status.State != "suppressed" {
		t.Errorf("found %+v, want the alert that is silenced", a)
	}
	if a := Find(known, map[string]string{"target": "shop"}); a != nil {
		t.Errorf("found %+v by one label of two, want nothing", a)
	}
	alerts := []Alert{{Labels: map[string]string{"alertname": "b"}}}
	if err := c.Send(t.Context(), alerts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"api/v2/alerts": alerts}, api.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}
