//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/fakeslack"
	"github.com/healthcheck-exporter/healthcheck_exporter/e2e/harness"
)

// TestMessages compares every field of what Slack gets, by webhooks and by the token of an app.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"alertmanager.yml", "alertmanager-bot.yml"} {
		t.Run(config, func(t *testing.T) {
			t.Parallel()
			n := notifier(t, config)
			v := &voice{address: n.Address, fired: time.Now().UTC().Truncate(time.Second), bot: config != "alertmanager.yml"}
			all := v.messages()
			var firing, ended []harness.Alert
			for _, m := range all {
				firing, ended = append(firing, m.alerts...), append(ended, m.end(v.ended())...)
			}
			late := time.Now().Add(patience) // for all of them
			post(t, n, firing)
			for _, m := range all {
				t.Run(m.name, func(t *testing.T) { check(t, n, time.Until(late), m.channel, &m.want) })
			}
			late = time.Now().Add(patience)
			post(t, n, ended)
			for _, m := range all {
				if m.ends > 0 {
					t.Run(m.name+" ends", func(t *testing.T) { check(t, n, time.Until(late), m.channel, &m.wantEnd) })
				}
			}
		})
	}
}

// notifier runs an Alertmanager with a shipped configuration. Every message has to please Slack.
func notifier(t *testing.T, config string) *harness.Notifier {
	t.Helper()
	n, err := harness.StartNotifier(context.WithoutCancel(t.Context()), binaries, t.TempDir(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Slack.Refused(); err != nil {
			t.Errorf("Slack: %v", err)
		}
		if t.Failed() {
			t.Log(n.Log())
		}
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func post(t *testing.T, n *harness.Notifier, alerts []harness.Alert) {
	t.Helper()
	if err := n.Post(t.Context(), alerts...); err != nil {
		t.Fatal(err)
	}
}

// check waits for the message with the wanted title, no longer than limit, and compares it.
func check(t *testing.T, n *harness.Notifier, limit time.Duration, channel string, want *fakeslack.Attachment) {
	t.Helper()
	var got fakeslack.Message
	err := harness.Until(t.Context(), limit, "Slack gets "+want.Title, func(context.Context) (bool, error) {
		for _, m := range n.Slack.Messages() {
			if len(m.Attachments) == 1 && m.Channel == channel && m.Attachments[0].Title == want.Title {
				got = m
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s\n%s", got.Channel, got.Plain())
	if diff := cmp.Diff(*want, got.Attachments[0]); diff != "" {
		t.Errorf("the message (-want +got):\n%s", diff)
	}
}

// A said is what Slack is wanted to get of some alerts of one group.
type said struct {
	name    string
	alerts  []harness.Alert
	channel string
	want    fakeslack.Attachment
	// ends is how many of the alerts end, from the first on; 0: nothing is wanted of their end.
	ends    int
	wantEnd fakeslack.Attachment
}

// end is those of the alerts that end, as Prometheus tells it.
func (s *said) end(at time.Time) []harness.Alert {
	var ended []harness.Alert
	for _, a := range s.alerts[:s.ends] {
		a.EndsAt = at
		ended = append(ended, a)
	}
	return ended
}

// A voice knows how alerts are worded.
type voice struct {
	address string    // of Alertmanager
	fired   time.Time // when every alert began to fire
	bot     bool      // by the token of an app
}

func (v *voice) began() time.Time { return v.fired.Add(-15 * time.Second) }
func (v *voice) ended() time.Time { return v.fired.Add(time.Second) }

// alert is one of that name, about a target if it has a name.
func (v *voice) alert(name, severity, target, environment string, labels, annotations map[string]string) harness.Alert {
	a := harness.Alert{
		Labels: map[string]string{"alertname": name, "severity": severity, "job": "healthcheck"},
		Annotations: map[string]string{
			"summary": "Something is wrong.", "description": "Something is wrong & <somewhere>.", "runbook_url": "https://example.com/runbook",
		},
		StartsAt: v.fired, EndsAt: v.fired.Add(time.Hour),
	}
	if target != "" {
		a.Labels["target"], a.Labels["instance"] = target, "https://"+url.PathEscape(target)+".example.com/health?a=***&b=***"
	}
	if environment != "" {
		a.Labels["environment"] = environment
	}
	maps.Copy(a.Labels, labels)
	maps.Copy(a.Annotations, annotations)
	return a
}

// down is HealthcheckTargetDown.
func (v *voice) down(target, environment, reason string, labels map[string]string) harness.Alert {
	severity := "warning"
	if environment == "LIVE" {
		severity = "critical"
	}
	return v.alert("HealthcheckTargetDown", severity, target, environment, labels, map[string]string{
		"reason": reason, "restarts": "restarted once & not verified yet", "dashboard_url": "https://grafana.example.com/d/t?var-target=" + url.QueryEscape(target) + "&from=now-1h",
		"failing_since": v.began().Format(time.DateTime) + " +0000 UTC", "failing_since_unix": strconv.FormatInt(v.began().Unix(), 10), "failing_for": "15s",
	})
}

// fleet is n targets that are down.
func (v *voice) fleet(n int, environment string) []harness.Alert {
	var all []harness.Alert
	for i := range n {
		all = append(all, v.down(fmt.Sprintf("web-%02d", i+1), environment, "connect_timeout in phase connect", nil))
	}
	return all
}

func date(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time_secs}|%s UTC>", t.Unix(), t.Format(time.DateTime))
}

// silence is the link to a new silence for these labels, which are sorted.
func (v *voice) silence(labels ...string) string {
	var matchers []string
	for _, l := range labels {
		name, value, _ := strings.Cut(l, "=")
		matchers = append(matchers, name+"%3D%22"+strings.ReplaceAll(url.QueryEscape(value), "+", "%20")+"%22")
	}
	return "<http://" + v.address + "/#/silences/new?filter=%7B" + strings.Join(matchers, "%2C") + "%7D|Silence>"
}

// lines is a message. The headline is what the title has after its icon.
func (v *voice) lines(color, icon, receiver, headline string, text ...string) fakeslack.Attachment {
	return fakeslack.Attachment{
		Color: color, Title: icon + " " + headline, Fallback: headline, Text: strings.Join(text, "\n"), MrkdwnIn: []string{"text"},
		TitleLink: "http://" + v.address + "/#/alerts?receiver=" + receiver,
	}
}

const whatToDo = "<https://example.com/runbook|What to do>"

// messages are of different groups each, and have different titles.
func (v *voice) messages() []said {
	checkout := "slack-checkout"
	if v.bot {
		checkout = "slack-channel"
	}
	const nasty = "shop & <co>"
	nastyURL := "https://shop%20&amp;%20%3Cco%3E.example.com/health?a=***&amp;b=***"
	nastyDashboard := "<https://grafana.example.com/d/t?var-target=shop+%26+%3Cco%3E&amp;from=now-1h|Dashboard>"
	since := date(v.began())
	restarts := "*Restarts:* " + strings.Repeat("; restarted once &amp; not verified yet", 10)[len("; "):]
	return []said{
		{
			name: "a target", channel: "#alerts-live", alerts: []harness.Alert{v.down(nasty, "LIVE", "connect_refused in phase connect", nil)},
			want: v.lines("danger", ":red_circle:", "slack-live", "DOWN: shop &amp; &lt;co&gt; (LIVE), connection refused",
				"*Reason:* connection refused (`connect_refused in phase connect`)", "*Address:* "+nastyURL, "*Since:* "+since+", for 15s",
				"*Restarts:* restarted once &amp; not verified yet",
				whatToDo+" · "+nastyDashboard+" · "+v.silence("alertname=HealthcheckTargetDown", "environment=LIVE",
					"instance=https://shop%20&%20%3Cco%3E.example.com/health?a=***&b=***", "job=healthcheck", "severity=critical", "target="+nasty)),
			ends: 1,
			wantEnd: v.lines("good", ":large_green_circle:", "slack-live", "RECOVERED: shop &amp; &lt;co&gt; (LIVE), was down for about 15s",
				"*Reason was:* connection refused (`connect_refused in phase connect`)", "*Address:* "+nastyURL,
				"*Lasted:* "+since+" to "+date(v.ended())+", about 15s",
				whatToDo+" · "+nastyDashboard),
		},
		{
			name: "30 targets", channel: "#alerts-stage", alerts: v.fleet(30, "STAGE"),
			want: v.lines("warning", ":large_orange_circle:", "slack-stage", "30 DOWN (STAGE): web-01, web-02, web-03, …",
				append(v.several(1, 10), "… 30 in all", restarts, whatToDo+" · "+v.silence("alertname=HealthcheckTargetDown", "environment=STAGE", "job=healthcheck", "severity=warning"))...),
			ends: 1, // more may end in two messages
			wantEnd: v.lines("warning", ":large_orange_circle:", "slack-stage", "29 DOWN, 1 RECOVERED (STAGE), now down: web-02, web-03, web-04, …",
				append(v.several(2, 11), "… 29 in all", restarts, "*Recovered:*", "• *web-01* no connection in time, recovered "+date(v.ended())+" after about 15s",
					whatToDo+" · "+v.silence("alertname=HealthcheckTargetDown", "environment=STAGE", "job=healthcheck", "severity=warning"))...),
		},
		{
			name: "a channel of its own", channel: "#checkout", alerts: []harness.Alert{v.down("till", "LIVE", "status 404", map[string]string{"slack_channel": "#checkout"})},
			want: v.lines("danger", ":red_circle:", checkout, "DOWN: till (LIVE), status 404",
				"*Reason:* status 404", "*Address:* https://till.example.com/health?a=***&amp;b=***", "*Since:* "+since+", for 15s", "*Restarts:* restarted once &amp; not verified yet",
				whatToDo+" · <https://grafana.example.com/d/t?var-target=till&amp;from=now-1h|Dashboard> · "+v.silence("alertname=HealthcheckTargetDown", "environment=LIVE",
					"instance=https://till.example.com/health?a=***&b=***", "job=healthcheck", "severity=critical", "slack_channel=#checkout", "target=till")),
		},
		{
			name: "a test in no environment", channel: "#alerts-unknown",
			alerts: []harness.Alert{v.alert("HealthcheckTargetDown", "warning", "wiki", "", map[string]string{"healthcheck_test": "true"}, nil)},
			want: v.lines("warning", ":large_orange_circle:", "slack-unknown", "TEST (nothing is wrong) DOWN: wiki",
				"Something is wrong &amp; &lt;somewhere&gt;.", "*Address:* https://wiki.example.com/health?a=***&amp;b=***", "*Since:* "+date(v.fired),
				whatToDo+" · "+strings.Replace(v.silence("alertname=HealthcheckTargetDown", "healthcheck_test=true", "instance=https://wiki.example.com/health?a=***&b=***",
					"job=healthcheck", "severity=warning", "target=wiki"), "%7D", "%2Cenvironment%3D%22%22%7D", 1)),
		},
		{
			name: "a service", channel: "#alerts-live",
			alerts: []harness.Alert{v.alert("HealthcheckRestarted", "info", "https://pay", "LIVE", map[string]string{"service": "pay", "instance": "exporter:10115"}, nil)},
			want: v.lines("#439FE0", ":large_blue_circle:", "slack-live", "HealthcheckRestarted: pay (LIVE)",
				"Something is wrong &amp; &lt;somewhere&gt;.", "*Check:* https://pay", "*Since:* "+date(v.fired),
				whatToDo+" · "+v.silence("alertname=HealthcheckRestarted", "environment=LIVE", "instance=exporter:10115", "job=healthcheck", "service=pay", "severity=info", "target=https://pay")),
			ends: 1,
			wantEnd: v.lines("#A0A0A0", ":white_circle:", "slack-live", "HealthcheckRestarted ENDED: pay (LIVE), lasted about 1s",
				"*Check:* https://pay", "*Lasted:* "+date(v.fired)+" to "+date(v.ended())+", about 1s", whatToDo),
		},
		{
			name: "the monitoring", channel: "#monitoring", alerts: []harness.Alert{v.alert("HealthcheckExporterDown", "critical", "", "", map[string]string{"instance": "exporter:10115"}, nil)},
			want: v.lines("danger", ":red_circle:", "slack-monitoring", "HealthcheckExporterDown: exporter:10115",
				"Something is wrong &amp; &lt;somewhere&gt;.", "*Since:* "+date(v.fired),
				whatToDo+" · "+strings.Replace(v.silence("alertname=HealthcheckExporterDown", "instance=exporter:10115", "job=healthcheck", "severity=critical"), "%7D", "%2Cenvironment%3D%22%22%7D", 1)),
		},
		{
			name: "far too long", channel: "#alerts-unknown", alerts: []harness.Alert{v.down(strings.Repeat("é", 2000), "QA", "body "+strings.Repeat("<", 20000), nil)},
			want: v.lines("warning", ":large_orange_circle:", "slack-unknown", "DOWN: "+strings.Repeat("é", 80)+" (QA), the body is not as expected",
				"*Reason:* the body is not as expected (`body "+strings.Repeat("&lt;", 75)+"`)", "*Address:* https://"+strings.Repeat("%C3%A9", 32),
				"*Since:* "+since+", for 15s", "*Restarts:* restarted once &amp; not verified yet",
				whatToDo),
		},
	}
}

// several are the lines of a fleet that is down.
func (v *voice) several(from, to int) []string {
	var lines []string
	for i := from; i <= to; i++ {
		lines = append(lines, fmt.Sprintf("• *web-%02d* no connection in time, since %s", i, date(v.began())))
	}
	return lines
}
