package alertconf

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
)

// wantRest wants that all which is not about channels is as in the base.
func wantRest(t *testing.T, before, after *amconfig.Config, r *rand.Rand) {
	t.Helper()
	for what, pair := range map[string][2]any{
		"global":              {before.Global, after.Global},
		"inhibit_rules":       {before.InhibitRules, after.InhibitRules},
		"templates":           {before.Templates, after.Templates},
		"time_intervals":      {before.TimeIntervals, after.TimeIntervals},
		"mute_time_intervals": {before.MuteTimeIntervals, after.MuteTimeIntervals},
		"receivers":           {before.Receivers, after.Receivers[:min(len(before.Receivers), len(after.Receivers))]},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s is not as in the base: got %+v, want %+v", what, pair[1], pair[0])
		}
	}
	was, is := dispatch.NewRoute(before.Route, nil), dispatch.NewRoute(after.Route, nil)
	for range 10 {
		labels := randomLabels(r)
		labels["alertname"] = one(r, []string{"Other", "HealthcheckX", "x"})
		if r.IntN(2) == 0 {
			labels["severity"] = "none"
		}
		want, got := receivers(was, labels), receivers(is, labels)
		if !slices.Equal(got, want) && !slices.Equal(want, []string{alertconf.MarkedReceiver}) { // below that are the channels
			t.Errorf("the alert %v goes to %q, want %q as in the base", labels, got, want)
		}
	}
}

// wantIntegrations wants a receiver of each channel that needs one, with what the channel says, and no others.
func wantIntegrations(t *testing.T, loaded *amconfig.Config, channels []alertconf.Channel) {
	t.Helper()
	found := map[string]*amconfig.Receiver{}
	for i := range loaded.Receivers {
		if r := &loaded.Receivers[i]; strings.HasPrefix(r.Name, "hc-") {
			found[r.Name] = r
		}
	}
	files, wanted := map[string]string{}, 0
	for i := range channels {
		c := &channels[i]
		if c.Kind == alertconf.Receiver {
			continue
		}
		wanted++
		r := found["hc-"+c.Name]
		if r == nil {
			t.Errorf("%q has no receiver", c.Name)
			continue
		}
		file := wantIntegration(t, r, c, loaded.Global.HTTPConfig)
		if file == "" {
			continue
		}
		known := strings.ToLower(file) // for file systems that do not tell them apart
		if path.Dir(file) != secrets || path.Clean(file) != file || files[known] != "" {
			t.Errorf("the secret of %q is at %q, which is also that of %q", c.Name, file, files[known])
		}
		files[known] = c.Name
	}
	if off := found["hc-off"]; off != nil {
		wanted++
		if !reflect.DeepEqual(*off, amconfig.Receiver{Name: off.Name, Labels: off.Labels}) {
			t.Errorf("hc-off sends to somebody: %+v", off)
		}
	}
	if len(found) != wanted {
		t.Errorf("there are %d receivers of channels, want %d", len(found), wanted)
	}
}

// wantIntegration wants that a receiver does what its channel says. It returns the file of the secret, or nothing if there is none.
func wantIntegration(t *testing.T, r *amconfig.Receiver, c *alertconf.Channel, global *commonconfig.HTTPClientConfig) (file string) {
	t.Helper()
	slack, webhook := 1, 0
	if c.Kind == alertconf.Webhook {
		slack, webhook = 0, 1
	}
	if len(r.SlackConfigs) != slack || len(r.WebhookConfigs) != webhook {
		t.Errorf("%q of kind %s is for %d in Slack and %d webhooks", c.Name, c.Kind, len(r.SlackConfigs), len(r.WebhookConfigs))
		return ""
	}
	if webhook == 1 {
		w := r.WebhookConfigs[0]
		if string(w.URL) != c.URL || w.SendResolved() != c.SendResolved {
			t.Errorf("%q goes to %q, send_resolved %t, want %+v", c.Name, w.URL, w.SendResolved(), c)
		}
		wantClient(t, c, w.HTTPConfig, global)
		if file = credentials(w.HTTPConfig); (file != "") != hasSecret(c.Name) {
			t.Errorf("%q has the token %q, want one: %t", c.Name, file, hasSecret(c.Name))
		}
		return file
	}
	s := r.SlackConfigs[0]
	if s.Channel != c.Channel || s.SendResolved() != c.SendResolved {
		t.Errorf("%q goes to %q, send_resolved %t, want %+v", c.Name, s.Channel, s.SendResolved(), c)
	}
	wantClient(t, c, s.HTTPConfig, global)
	if c.Kind == alertconf.SlackWebhook {
		return s.APIURLFile
	}
	if s.APIURL == nil || s.APIURL.String() != "https://slack.com/api/chat.postMessage" {
		t.Errorf("%q asks %v", c.Name, s.APIURL)
	}
	return credentials(s.HTTPConfig)
}

// wantClient wants that a channel sends as the base does, but follows no redirect and has no credentials beside its token.
func wantClient(t *testing.T, c *alertconf.Channel, got, global *commonconfig.HTTPClientConfig) {
	t.Helper()
	want := *global
	want.FollowRedirects = false
	if credentials(got) != "" {
		want.Authorization, want.BasicAuth = got.Authorization, nil
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("%q of kind %s sends as %+v says, want %+v", c.Name, c.Kind, got, want)
	}
}

// TestRedirect sends by the client that Alertmanager makes for a channel. A redirect is the answer, and is not followed.
func TestRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	t.Cleanup(elsewhere.Close)
	allowed := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(allowed.Close)
	channels := []alertconf.Channel{{Name: "hooks", Kind: alertconf.Webhook, Enabled: true, URL: allowed.URL}, {Name: "slack", Kind: alertconf.SlackWebhook, Enabled: true}}
	const base = "alertmanager-small.base.yml"
	loaded, err := amconfig.Load(string(render(t, base, bases(t)[base], channels, 1)))
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for i := range loaded.Receivers {
		var configs []*commonconfig.HTTPClientConfig
		for _, w := range loaded.Receivers[i].WebhookConfigs {
			configs = append(configs, w.HTTPConfig)
		}
		for _, s := range loaded.Receivers[i].SlackConfigs {
			configs = append(configs, s.HTTPConfig)
		}
		for _, c := range configs {
			sent++
			wantRedirect(t, c, allowed.URL)
		}
	}
	if sent != len(channels) {
		t.Errorf("%d messages were sent, want one of each channel", sent)
	}
}

func wantRedirect(t *testing.T, c *commonconfig.HTTPClientConfig, url string) {
	t.Helper()
	client, err := commonconfig.NewClientFromConfig(*c, "test")
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("got status %d, want %d, the redirect itself", resp.StatusCode, http.StatusTemporaryRedirect)
	}
}

// credentials is the file with the token of a client. Empty: it has none.
func credentials(c *commonconfig.HTTPClientConfig) string {
	if c == nil || c.Authorization == nil {
		return ""
	}
	return c.Authorization.CredentialsFile
}

// wantTimes wants that each channel waits as it says, or else as the base does; and that a test does not wait.
func wantTimes(t *testing.T, before, after *amconfig.Config, channels []alertconf.Channel) {
	t.Helper()
	was := marked(dispatch.NewRoute(before.Route, nil))
	routes := marked(dispatch.NewRoute(after.Route, nil)).Routes
	tests, down, rest := routes[:len(channels)], routes[len(channels)], routes[len(channels)+1:]
	var usual []*dispatch.Route
	if len(channels) > 0 {
		usual = rest[0].Routes
	}
	if len(usual) != len(channels) || len(down.Routes) != len(channels) {
		t.Errorf("there are %d routes, and %d of targets that are down, want %d", len(usual), len(down.Routes), len(channels))
		return
	}
	sorted := slices.SortedFunc(slices.Values(channels), func(a, b alertconf.Channel) int { return strings.Compare(a.Name, b.Name) })
	for i := range sorted {
		c, wait := &sorted[i], was.RouteOpts.GroupWait
		if c.GroupWait != nil {
			wait = time.Duration(*c.GroupWait)
		}
		for _, r := range []*dispatch.Route{usual[i], down.Routes[i]} {
			interval := was.RouteOpts.GroupInterval
			if r == down.Routes[i] {
				interval = 30 * time.Second
			}
			o := r.RouteOpts
			if o.GroupWait != wait || o.GroupInterval != interval || o.RepeatInterval != was.RouteOpts.RepeatInterval || !reflect.DeepEqual(o.GroupBy, was.RouteOpts.GroupBy) ||
				!slices.Equal(o.MuteTimeIntervals, was.RouteOpts.MuteTimeIntervals) || !r.Continue {
				t.Errorf("%q has the times %+v, continue %t, want group_wait %s, group_interval %s and the rest as %+v", c.Name, o, r.Continue, wait, interval, was.RouteOpts)
			}
		}
		if o := tests[i].RouteOpts; o.GroupWait != 0 || o.GroupInterval != time.Second || !o.GroupByAll || o.MuteTimeIntervals != nil || tests[i].Continue {
			t.Errorf("the test of %q has the times %+v, continue %t", c.Name, o, tests[i].Continue)
		}
	}
}

// marked is the route below which the channels are.
func marked(r *dispatch.Route) *dispatch.Route {
	if r.RouteOpts.Receiver == alertconf.MarkedReceiver {
		return r
	}
	for _, child := range r.Routes {
		if found := marked(child); found != nil {
			return found
		}
	}
	return nil
}
