package alerttest

import (
	"context"
	"fmt"
	"strings"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// A tally counts, by kind, the requests that Alertmanager has made, those that failed, and the notifications that it has given
// up. It gives one up at once, or after several requests if the failure is worth another try.
type tally struct{ made, failed, givenUp map[string]float64 }

func tallyOf(ctx context.Context, s *remote.Server) (tally, error) {
	families, err := metrics(ctx, s)
	if err != nil {
		return tally{}, err
	}
	return tally{
		made:    families.by("alertmanager_notification_requests_total", "integration"),
		failed:  families.by("alertmanager_notification_requests_failed_total", "integration"),
		givenUp: families.by("alertmanager_notifications_failed_total", "integration"),
	}, nil
}

// since returns what was added after before.
func (t tally) since(before tally) tally {
	return tally{made: added(t.made, before.made), failed: added(t.failed, before.failed), givenUp: added(t.givenUp, before.givenUp)}
}

// arrived returns how many requests of a kind succeeded.
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

// families are the counters of a scrape, by name. Each has a value for each set of labels.
type families map[string][]counted

type counted struct {
	labels map[string]string
	value  float64
}

// metrics scrapes a server.
func metrics(ctx context.Context, s *remote.Server) (families, error) {
	body, err := s.Get(ctx, "metrics")
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

// by sums up a counter by one label.
func (f families) by(name, label string) map[string]float64 {
	sums := map[string]float64{}
	for _, c := range f[name] {
		sums[c.labels[label]] += c.value
	}
	return sums
}
