package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// An alertmanager is asked by its API v2
// (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).
type alertmanager struct{ *connection }

// A sentAlert is what Alertmanager takes.
type sentAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// A knownAlert is what Alertmanager says of an alert that has not ended.
type knownAlert struct {
	Labels      map[string]string `json:"labels"`
	Fingerprint string            `json:"fingerprint"`
	Receivers   []struct {
		Name string `json:"name"`
	} `json:"receivers"`
	Status struct {
		State       string   `json:"state"` // unprocessed, active or suppressed
		InhibitedBy []string `json:"inhibitedBy"`
		SilencedBy  []string `json:"silencedBy"`
		MutedBy     []string `json:"mutedBy"` // time intervals; since 0.28
	} `json:"status"`
}

// send hands over alerts, new ones or the end of old ones.
func (a alertmanager) send(ctx context.Context, alerts []sentAlert) error {
	_, err := a.ask(ctx, question{url: a.at("api/v2/alerts"), order: alerts})
	return err
}

// alerts are all that have not ended.
func (a alertmanager) alerts(ctx context.Context) (known []knownAlert, err error) {
	err = a.decode(ctx, a.at("api/v2/alerts"), &known)
	return known, err
}

func (a alertmanager) decode(ctx context.Context, at *url.URL, into any) error {
	body, err := a.ask(ctx, question{url: at})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer is not that of an Alertmanager: %w", err)
	}
	return nil
}

// find finds the alert that has exactly these labels; nil: it is not there.
func find(known []knownAlert, labels map[string]string) *knownAlert {
	for i := range known {
		if maps.Equal(known[i].Labels, labels) {
			return &known[i]
		}
	}
	return nil
}

// A setup is what Alertmanager says of itself.
type setup struct {
	version string
	// ways are how many messages each receiver makes of a notification, by kind, such as slack.
	ways map[string]map[string]int
}

// setup reads the configuration in force. Receivers are not told apart in the metrics, and the kind of each is there alone.
func (a alertmanager) setup(ctx context.Context) (setup, error) {
	var status struct {
		Config      struct{ Original string }
		VersionInfo struct{ Version string }
	}
	if err := a.decode(ctx, a.at("api/v2/status"), &status); err != nil {
		return setup{}, err
	}
	var config struct {
		Receivers []map[string]any `yaml:"receivers"`
	}
	if err := yaml.Unmarshal([]byte(status.Config.Original), &config); err != nil {
		return setup{}, fmt.Errorf("reading the configuration of Alertmanager: %w", err)
	}
	s := setup{version: status.VersionInfo.Version, ways: map[string]map[string]int{}}
	for _, r := range config.Receivers {
		name, _ := r["name"].(string)
		s.ways[name] = map[string]int{}
		for key, value := range r {
			list, isList := value.([]any)
			if kind, ok := strings.CutSuffix(key, "_configs"); ok && isList {
				s.ways[name][kind] = len(list)
			}
		}
	}
	return s, nil
}

// A tally is how many requests Alertmanager has made by kind, how many of them failed, and how many notifications it has
// given up, which is after several requests where one that failed is worth another.
type tally struct{ made, failed, givenUp map[string]float64 }

func (a alertmanager) tally(ctx context.Context) (tally, error) {
	families, err := a.metrics(ctx)
	if err != nil {
		return tally{}, err
	}
	return tally{
		made:    families.by("alertmanager_notification_requests_total", "integration"),
		failed:  families.by("alertmanager_notification_requests_failed_total", "integration"),
		givenUp: families.by("alertmanager_notifications_failed_total", "integration"),
	}, nil
}

// since is what has been added.
func (t tally) since(before tally) tally {
	return tally{made: added(t.made, before.made), failed: added(t.failed, before.failed), givenUp: added(t.givenUp, before.givenUp)}
}

// arrived is how many requests of a kind succeeded.
func (t tally) arrived(kind string) float64 { return t.made[kind] - t.failed[kind] }

func added(now, before map[string]float64) map[string]float64 {
	d := map[string]float64{}
	for name, n := range now {
		if n > before[name] {
			d[name] = n - before[name]
		}
	}
	return d
}

// families are the counters of a scrape: a value for each set of labels, by name.
type families map[string][]counted

type counted struct {
	labels map[string]string
	value  float64
}

// metrics scrapes the server.
func (c *connection) metrics(ctx context.Context) (families, error) {
	body, err := c.ask(ctx, question{url: c.at("metrics")})
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	f := families{}
	for name, family := range parsed {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			f[name] = append(f[name], counted{labels, m.GetCounter().GetValue()})
		}
	}
	return f, nil
}

// by sums a counter up by one label.
func (f families) by(name, label string) map[string]float64 {
	sums := map[string]float64{}
	for _, c := range f[name] {
		sums[c.labels[label]] += c.value
	}
	return sums
}
