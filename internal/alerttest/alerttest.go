// Package alerttest sends a test alert through Alertmanager, checks at each hop whether it arrived, and ends it.
package alerttest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// Options say what is tested.
type Options struct {
	Alertmanager *remote.Server
	Exporter     *remote.Server // nil: no exporter is asked
	// Called is what Alertmanager is called, where it has a name. Empty: it is known by its URL, that of --alertmanager.url.
	Called string
	// Target is a target of the exporter's inventory, whose labels the alert gets. Empty: it gets those of no target.
	Target string
	// Labels are added to the alert and replace those of the target.
	Labels map[string]string
	// Receiver is the one to which they have to be routed, and which has to notify somebody. Empty: it may be any.
	Receiver string
	// Description is that of the alert, for people. Empty: that somebody makes a test with the command.
	Description string
	Wait        time.Duration // for each hop
	// EndTime is how long the end of the alerts may take, also after ctx has ended. 0: remote.Timeout.
	EndTime time.Duration

	// Verdict says in one sentence what an alert would do to a service.
	Verdict func(*policy.Explanation) string
	// Tell is called with each hop as soon as its outcome is known.
	Tell func(Hop)
	// Waiting is called once if Alertmanager seems to be starting, with its answer.
	Waiting func(error)
}

// The alerts of the mixin for a target that is down. A label alertname chooses another one.
const (
	alertDown    = "HealthcheckTargetDown"
	alertRestart = "HealthcheckTargetRestart"
)

// testID is a label that makes the alerts of each test unique: Alertmanager does not notify of the same alert again so soon.
const testID = restart.TestLabel + "_id"

// A Hop is one step on the way of an alert.
type Hop struct {
	Name string   `json:"name"`
	OK   bool     `json:"ok"`
	Said []string `json:"said"`
}

// A test is a test under way.
type test struct {
	Options
	client *alertconf.Client
	hops   []Hop

	began time.Time
	sent  []alertconf.Alert
	setup alertconf.Setup
	// others are the receivers of other alerts, by kind. They are known once the alerts are routed.
	others map[string][]string
	// The following are from before the test.
	tally   tally
	counted families             // by the exporter; nil: not known
	tested  map[string]time.Time // when each service got a test alert; zero: never
}

// Run sends the alerts and always ends them, even if ctx ends before. It returns the hops whose outcome is known. An error says
// why nothing was sent.
func Run(ctx context.Context, o Options) ([]Hop, error) {
	t := &test{Options: o, client: alertconf.NewClient(o.Alertmanager)}
	if err := t.prepare(ctx); err != nil {
		return nil, err
	}
	t.run(ctx)
	return t.hops, nil
}

// prepare finds out what to send, and records the counters before the test.
func (t *test) prepare(ctx context.Context) error {
	labels, err := t.labels(ctx)
	if err != nil {
		return err
	}
	err = t.started(ctx, func(ctx context.Context) error {
		t.setup, err = t.client.Setup(ctx)
		return err
	})
	if err != nil {
		err = fmt.Errorf("asking Alertmanager at %s: %w", t.where(), err)
		if t.Called == "" {
			err = fmt.Errorf("%w; is --alertmanager.url right?", err)
		}
		return err
	}
	if t.tally, err = tallyOf(ctx, t.Alertmanager); err != nil {
		return fmt.Errorf("asking Alertmanager at %s: %w", t.where(), err)
	}
	if t.Exporter != nil {
		// Errors are ignored: the exporter is asked again later, and they are reported then.
		t.counted, _ = metrics(ctx, t.Exporter)
		services, _ := t.services(ctx)
		t.tested = map[string]time.Time{}
		for _, s := range services {
			t.tested[s.Service] = s.TestedAt
		}
	}
	t.began = time.Now()
	t.sent = t.alertsOf(labels, t.began, t.began.Add(3*t.Wait+time.Minute)) // so that they end even if this program is killed
	return nil
}

// where is where Alertmanager is, for people.
func (t *test) where() string { return cmp.Or(t.Called, t.Alertmanager.String()) }

// labels returns the labels of the alerts.
func (t *test) labels(ctx context.Context) (map[string]string, error) {
	labels := map[string]string{"job": "healthcheck", "target": "alert-test"}
	if t.Target != "" {
		target, err := t.target(ctx)
		if err != nil {
			return nil, err
		}
		maps.Copy(labels, target.Labels)
		labels["target"], labels["instance"], labels["environment"] = target.Name, target.URL, target.Environment
	}
	maps.Copy(labels, t.Labels)
	labels[restart.TestLabel] = "true"
	labels[testID] = strconv.FormatInt(time.Now().UnixMilli(), 36)
	return labels, nil
}

func (t *test) target(ctx context.Context) (*api.Target, error) {
	body, err := t.Exporter.Get(ctx, "api/v1/targets?"+url.Values{"name": {t.Target}}.Encode())
	if err != nil {
		return nil, fmt.Errorf("asking the exporter at %s for the target %q: %w; --label works without it", t.Exporter, t.Target, err)
	}
	var all api.TargetList
	if err := t.Exporter.Decode(body, &all); err != nil {
		return nil, fmt.Errorf("asking the exporter at %s: %w", t.Exporter, err)
	}
	if len(all.Targets) == 0 {
		return nil, fmt.Errorf("the inventory of the exporter at %s has no target %q: `healthcheck_exporter targets` lists them; --label works for others", t.Exporter, t.Target)
	}
	return &all.Targets[0], nil
}

// alertsOf returns the alerts of a target with these labels: one for people and one for the restart receiver. With a label
// alertname it returns only that alert.
func (t *test) alertsOf(labels map[string]string, from, to time.Time) []alertconf.Alert {
	made := func(name, severity string) alertconf.Alert {
		l := map[string]string{"alertname": name, "severity": severity}
		maps.Copy(l, labels)
		return alertconf.Alert{Labels: l, StartsAt: from, EndsAt: to, Annotations: map[string]string{
			"summary": "A test alert.", "description": cmp.Or(t.Description, "Somebody is testing the way of alerts with healthcheck_exporter alert-test. Nothing is wrong."),
		}}
	}
	severity := "warning"
	if labels["environment"] == "LIVE" { // as in the rules of the mixin
		severity = "critical"
	}
	if name := labels["alertname"]; name != "" {
		return []alertconf.Alert{made(name, severity)}
	}
	request := made(alertRestart, "none")
	request.Labels["severity"] = "none" // whatever severity the other alert has
	return []alertconf.Alert{made(alertDown, severity), request}
}

// run goes from hop to hop until one fails.
func (t *test) run(ctx context.Context) {
	defer t.resolve(ctx)
	if !t.accept(ctx) {
		return
	}
	routed := t.route(ctx)
	if routed == nil {
		return
	}
	t.deliver(ctx, t.expected(routed))
	t.receive(ctx)
}

// told adds a hop, unless ctx has ended: its outcome is not known then.
func (t *test) told(ctx context.Context, h Hop) bool {
	if ctx.Err() != nil {
		return false
	}
	if h.Said == nil {
		h.Said = []string{}
	}
	t.hops = append(t.hops, h)
	t.Tell(h)
	return h.OK
}

// linesOf returns an error as a line, or no line for nil.
func linesOf(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}
