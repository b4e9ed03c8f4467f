package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart"
)

// alertTestOptions are the arguments of the alert-test command.
type alertTestOptions struct {
	Alertmanager Exporter // where it is, in the same way as the exporter
	Exporter     Exporter // an empty URL: there is none
	// Target is a target of the exporter's inventory, of which the alert gets the labels. Empty: none.
	Target string
	// Labels are more labels, and hold before those of the target.
	Labels map[string]string
	Wait   time.Duration // for each hop
	Format string        // "text" or "json"
}

// The alerts of the mixin that a target makes when it is down. Others may be sent by a label alertname.
const (
	alertDown    = "HealthcheckTargetDown"
	alertRestart = "HealthcheckTargetRestart"
)

// testID is a label that makes each test another alert: Alertmanager does not tell of the same one again so soon.
const testID = restart.TestLabel + "_id"

// A hop is one step on the way of an alert.
type hop struct {
	Name string   `json:"name"`
	OK   bool     `json:"ok"`
	Said []string `json:"said"`
}

// An alertTest is a test under way.
type alertTest struct {
	alertTestOptions
	alertmanager alertmanager
	exporter     *connection // nil: none
	out          io.Writer
	hops         []hop

	began time.Time
	sent  []sentAlert
	setup setup
	// others are the receivers of other alerts, by kind; known when the alerts are routed.
	others map[string][]string
	// The following are from before the test.
	tally   tally
	counted families             // by the exporter; nil: not known
	tested  map[string]time.Time // when each service got a test alert; zero: never
}

func addAlertTest(p *program) {
	var o alertTestOptions
	c := p.Command("alert-test", "Send a test alert through Alertmanager, say at each hop how far it came, and end it. It has the label healthcheck_test=\"true\": "+
		"people see that it is a test, and the restart receiver does nothing. Exit status: 0 it came through, 1 a hop failed, 2 usage.")
	o.Labels = map[string]string{}
	c.Flag("alertmanager.url", "URL of Alertmanager.").Default("http://localhost:9093").StringVar(&o.Alertmanager.URL)
	c.Flag("alertmanager.http.config.file", "File with authentication and TLS for Alertmanager.").StringVar(&o.Alertmanager.ClientFile)
	exporterFlags(c, &o.Exporter, &o.Format)
	c.Flag("target", "Target of the exporter's inventory; the alert gets its labels. Without one target is alert-test, in no environment.").StringVar(&o.Target)
	c.Flag("label", "One more label of the alert, such as environment=LIVE; may be repeated. Wins over those of the target.").PlaceHolder("NAME=VALUE").StringMapVar(&o.Labels)
	c.Flag("wait", "Time for each hop. Notifications take the group_wait of the route.").Default("45s").DurationVar(&o.Wait)
	p.does(c, func(ctx context.Context, out, errOut io.Writer) int { return testAlert(ctx, out, errOut, o) })
}

// testAlert sends an alert that is none through Alertmanager and says on out how far it came, and ends it in any case. It
// returns the exit status.
func testAlert(ctx context.Context, out, errOut io.Writer, o alertTestOptions) int {
	t := &alertTest{alertTestOptions: o, out: out}
	if err := t.connect(); err != nil {
		fmt.Fprintln(errOut, err)
		return ExitUsage
	}
	defer t.close()
	if err := t.prepare(ctx, errOut); err != nil {
		fmt.Fprintln(errOut, err)
		return ExitFailed
	}
	t.run(ctx)
	if o.Format == formatJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		_ = e.Encode(map[string]any{"hops": t.hops}) // like every other write to out
	}
	if ctx.Err() != nil {
		fmt.Fprintln(errOut, "interrupted")
		return ExitFailed
	}
	if slices.ContainsFunc(t.hops, func(h hop) bool { return !h.OK }) {
		return ExitFailed
	}
	return ExitSuccess
}

func (t *alertTest) connect() error {
	if t.Wait <= 0 {
		return fmt.Errorf("--wait is %s, want more than 0", t.Wait)
	}
	c, err := connect("Alertmanager", t.Alertmanager, "alert-test", "--alertmanager.http.config.file")
	if err != nil {
		return err
	}
	t.alertmanager = alertmanager{c}
	switch {
	case t.Exporter.URL != "":
		t.exporter, err = t.Exporter.connect("alert-test")
		return err
	case t.Target != "":
		return errors.New("--target asks the exporter for the labels of the target, so it needs --url; or give them by --label")
	default:
		return nil
	}
}

func (t *alertTest) close() {
	t.alertmanager.close()
	if t.exporter != nil {
		t.exporter.close()
	}
}

// prepare finds out what to send, and how things are before.
func (t *alertTest) prepare(ctx context.Context, errOut io.Writer) error {
	labels, err := t.labels(ctx)
	if err != nil {
		return err
	}
	err = t.started(ctx, errOut, func(ctx context.Context) error {
		t.setup, err = t.alertmanager.setup(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("asking Alertmanager at %s: %w; is --alertmanager.url right?", t.alertmanager.base.Redacted(), err)
	}
	if t.tally, err = t.alertmanager.tally(ctx); err != nil {
		return fmt.Errorf("asking Alertmanager at %s: %w", t.alertmanager.base.Redacted(), err)
	}
	if t.exporter != nil {
		// It is asked again, and then an error is told.
		t.counted, _ = t.exporter.metrics(ctx)
		services, _ := t.services(ctx)
		t.tested = map[string]time.Time{}
		for _, s := range services {
			t.tested[s.Service] = s.TestedAt
		}
	}
	t.began = time.Now()
	t.sent = alertsOf(labels, t.began, t.began.Add(3*t.Wait+time.Minute)) // should this program be killed
	return nil
}

// labels are those of the target.
func (t *alertTest) labels(ctx context.Context) (map[string]string, error) {
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

func (t *alertTest) target(ctx context.Context) (*inventory.Status, error) {
	at := t.exporter.at("api/v1/targets")
	at.RawQuery = url.Values{"name": {t.Target}}.Encode()
	body, err := t.exporter.ask(ctx, question{url: at})
	if err != nil {
		return nil, fmt.Errorf("asking the exporter at %s for the target %q: %w; --label works without it", t.exporter.base.Redacted(), t.Target, err)
	}
	var all inventory.Statuses
	if err := decode(body, &all); err != nil {
		return nil, fmt.Errorf("asking the exporter at %s: %w", t.exporter.base.Redacted(), err)
	}
	if len(all.Targets) == 0 {
		return nil, fmt.Errorf("the inventory of the exporter at %s has no target %q: `healthcheck_exporter targets` lists them; --label works for others", t.exporter.base.Redacted(), t.Target)
	}
	return &all.Targets[0], nil
}

// alertsOf are what a target with these labels makes: one alert for people, one for the restart receiver. With a label
// alertname it is that one alone.
func alertsOf(labels map[string]string, from, to time.Time) []sentAlert {
	made := func(name, severity string) sentAlert {
		l := map[string]string{"alertname": name, "severity": severity}
		maps.Copy(l, labels)
		return sentAlert{Labels: l, StartsAt: from, EndsAt: to, Annotations: map[string]string{
			"summary": "A test alert.", "description": "Somebody tries out the way of alerts by healthcheck_exporter alert-test. Nothing is wrong.",
		}}
	}
	severity := "warning"
	if labels["environment"] == "LIVE" { // as the rules of the mixin have it
		severity = "critical"
	}
	if name := labels["alertname"]; name != "" {
		return []sentAlert{made(name, severity)}
	}
	request := made(alertRestart, "none")
	request.Labels["severity"] = "none" // whatever the other one has
	return []sentAlert{made(alertDown, severity), request}
}

// run goes from hop to hop until one fails.
func (t *alertTest) run(ctx context.Context) {
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

// told adds a hop, unless ctx is over: then nothing is known of it. In text it is shown at once.
func (t *alertTest) told(ctx context.Context, h hop) bool {
	if ctx.Err() != nil {
		return false
	}
	if h.Said == nil {
		h.Said = []string{}
	}
	t.hops = append(t.hops, h)
	if t.Format != formatJSON {
		mark := "ok    "
		if !h.OK {
			mark = "FAILED"
		}
		fmt.Fprintf(t.out, "%s  %s\n", mark, h.Name)
		for _, line := range h.Said {
			fmt.Fprintf(t.out, "        %s\n", oneLine(line))
		}
	}
	return h.OK
}

// startTime is how long a server may take until it listens and is ready: one that was started by the line above this command.
const startTime = 15 * time.Second

// started asks an Alertmanager until it answers, as long as it looks like one that is starting. It says on errOut that it waits.
func (t *alertTest) started(ctx context.Context, errOut io.Writer, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, min(t.Wait, startTime))
	defer cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for waited := false; ; waited = true {
		err := ask(ctx)
		if !errors.Is(err, syscall.ECONNREFUSED) && !isStatus(err, http.StatusServiceUnavailable) {
			return err
		}
		if !waited {
			say(errOut, "Alertmanager at %s does not answer yet, waiting for it: %v", t.alertmanager.base.Redacted(), err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return err
		}
	}
}

// tick is the pause between two looks.
const tick = 200 * time.Millisecond

// until looks again and again until look says yes, for at most t.Wait.
func (t *alertTest) until(ctx context.Context, look func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Wait)
	defer cancel()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var last error
	for {
		ok, err := look(ctx)
		if ok {
			return true, nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false, last
		}
	}
}

// accept is the first hop: Alertmanager takes the alerts.
func (t *alertTest) accept(ctx context.Context) bool {
	name := strings.TrimSpace("Alertmanager " + t.setup.version) // one that somebody built may have no version
	h := hop{Name: fmt.Sprintf("%s at %s takes the alerts", name, t.alertmanager.base.Redacted()), OK: true}
	if err := t.alertmanager.send(ctx, t.sent); err != nil {
		h.OK, h.Said = false, []string{err.Error()}
	}
	return t.told(ctx, h)
}

// resolve is the last hop. It takes place in any case, also after an interrupt.
func (t *alertTest) resolve(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	h := hop{Name: "the alerts are ended again", OK: true}
	now := time.Now()
	ended := slices.Clone(t.sent)
	for i := range ended {
		ended[i].EndsAt = now
	}
	err := t.alertmanager.send(ctx, ended)
	if err == nil {
		var gone bool
		gone, err = t.until(ctx, func(ctx context.Context) (bool, error) {
			known, err := t.alertmanager.alerts(ctx)
			return err == nil && !slices.ContainsFunc(t.sent, func(a sentAlert) bool { return find(known, a.Labels) != nil }), err
		})
		if !gone && err == nil {
			err = errors.New("they are still listed by Alertmanager")
		}
	}
	if err != nil {
		h.OK, h.Said = false, []string{err.Error(), "they end by themselves at " + t.sent[0].EndsAt.Format(time.TimeOnly)}
	}
	t.told(ctx, h)
}
