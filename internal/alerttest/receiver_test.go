package alerttest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// channelsConfig has a channel that can be tested, one that notifies nobody, and the fallback.
const channelsConfig = `
route:
  receiver: fallback
  routes:
    - {receiver: hc-live, matchers: ['healthcheck_channel="live"']}
    - {receiver: hc-mute, matchers: ['healthcheck_channel="mute"']}
receivers:
  - {name: fallback, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
  - {name: hc-live, slack_configs: [{api_url_file: x}]}
  - {name: hc-mute}
`

// TestRunWithReceiver: an alert has to reach the receiver that is wanted, and that has to notify somebody.
func TestRunWithReceiver(t *testing.T) {
	for _, tc := range []struct {
		name, channel, quirk string
		hops                 int
		said                 string // by the hop that fails; empty: none does
	}{
		{"it comes through", "live", probetest.QuirkNone, 4, ""},
		{"it notifies nobody", "mute", probetest.QuirkNone, 4, "none: these receivers notify nobody"},
		{"another configuration", "new", probetest.QuirkNone, 3, "HealthcheckTargetDown to fallback (webhook), want hc-new"},
		{"silenced", "live", probetest.QuirkSilences, 3, "but silenced by 12ab"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := probetest.NewAlertmanager(t)
			file := filepath.Join(t.TempDir(), "alertmanager.yml")
			if err := os.WriteFile(file, []byte(channelsConfig), 0o600); err != nil {
				t.Fatal(err)
			}
			a.ReadFrom(file)
			o := options(t, a)
			if _, err := o.Alertmanager.Post(t.Context(), "-/reload", nil); err != nil {
				t.Fatal(err)
			}
			a.Set("", tc.quirk)
			o.Called, o.Receiver, o.Wait = "am-1", "hc-"+tc.channel, time.Minute
			o.Labels = map[string]string{"alertname": alertDown, "healthcheck_channel": tc.channel}
			hops, err := Run(t.Context(), o)
			if err != nil || len(hops) != tc.hops {
				t.Fatalf("%d hops, %v, want %d", len(hops), err, tc.hops)
			}
			var failed []string
			for _, h := range hops {
				if !h.OK {
					failed = append(failed, h.Said...)
				}
			}
			said := strings.Join(failed, "; ")
			if (said == "") != (tc.said == "") || !strings.Contains(said, tc.said) {
				t.Errorf("what fails says %q, want %q", said, tc.said)
			}
			if hops[0].Name != "Alertmanager 0.0.0 at am-1 takes the alerts" {
				t.Errorf("the first hop is %q, want it with the name of the Alertmanager", hops[0].Name)
			}
			if n := a.Firing(); n != 0 {
				t.Errorf("%d alerts still fire", n)
			}
		})
	}
}

// TestRunAway: the error names Alertmanager as it is called, and the flag where it has no name.
func TestRunAway(t *testing.T) {
	a := probetest.NewAlertmanager(t)
	a.Set("", probetest.QuirkHangs)
	for called, want := range map[string]string{"am-1": "asking Alertmanager at am-1: ", "": "is --alertmanager.url right?"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		o := options(t, a)
		o.Called = called
		hops, err := Run(ctx, o)
		cancel()
		if err == nil || hops != nil || !strings.Contains(err.Error(), want) || called != "" && strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("called %q: got %v, %v, want %q", called, hops, err, want)
		}
	}
}

// TestEndTime: the end of the alerts takes no longer than it may where Alertmanager hangs.
func TestEndTime(t *testing.T) {
	a := probetest.NewAlertmanager(t)
	o := options(t, a)
	o.Labels, o.EndTime = map[string]string{"alertname": alertDown}, 50*time.Millisecond
	o.Tell = func(h Hop) {
		if h.Name == "notifications are sent" {
			a.Set("", probetest.QuirkHangs)
		}
	}
	began := time.Now()
	hops, err := Run(t.Context(), o)
	if err != nil || len(hops) != 4 || hops[3].OK || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %+v, %v, want that the last hop fails soon", time.Since(began), hops, err)
	}
}
