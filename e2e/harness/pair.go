package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A Pair is an exporter and a Prometheus that scrapes through it.
type Pair struct {
	// Exporter and Prometheus are the addresses, host and port.
	Exporter, Prometheus string

	bin       *Binaries
	dir       string
	processes []*process
}

// NewPair chooses addresses for a pair whose files are in dir. It starts nothing.
func NewPair(ctx context.Context, b *Binaries, dir string) (*Pair, error) {
	p := &Pair{bin: b, dir: dir}
	var err1, err2 error
	p.Exporter, err1 = FreeAddress(ctx)
	p.Prometheus, err2 = FreeAddress(ctx)
	return p, errors.Join(err1, err2)
}

// StartExporter runs the exporter with a configuration file in the directory of the pair, and perhaps more flags. Always call Stop,
// even after an error.
func (p *Pair) StartExporter(ctx context.Context, config string, flags ...string) error {
	return p.start(ctx, "exporter", p.Exporter, append([]string{p.bin.exporter, "--config.file=" + config, "--storage.path=restarts"}, flags...)...)
}

// StartPrometheus does the same for Prometheus.
func (p *Pair) StartPrometheus(ctx context.Context, config string) error {
	return p.start(ctx, "prometheus", p.Prometheus, p.bin.prometheus, "--config.file="+config, "--storage.tsdb.path=data")
}

// WritePrometheus writes what the examples and the mixin have for Prometheus as prometheus.yml, for an Alertmanager at that address,
// with the times of the suite.
func (p *Pair) WritePrometheus(alertmanager string) error {
	return p.bin.writePrometheus(p.dir, watching{exporter: p.Exporter, alertmanager: alertmanager, timing: suite})
}

func (p *Pair) start(ctx context.Context, name, address string, argv ...string) error {
	process, err := start(ctx, p.dir, name, append(argv, "--web.listen-address="+address)...)
	if err != nil {
		return err
	}
	p.processes = append(p.processes, process)
	return process.ready(ctx, address)
}

// Log returns the ends of their logs.
func (p *Pair) Log() string {
	var b strings.Builder
	for _, process := range p.processes {
		fmt.Fprintf(&b, "==== %s\n%s", process.name, tail(process.log))
	}
	return b.String()
}

// Deliver sends a webhook to the exporter as Alertmanager does, with the token, and returns the status of the answer.
func (p *Pair) Deliver(ctx context.Context, token string, body []byte) (int, error) {
	return deliver(ctx, "http://"+p.Exporter, token, body)
}

// Dir is where the files of the pair are.
func (p *Pair) Dir() string { return p.dir }

// GetJSON requests a path of the exporter and decodes the answer.
func (p *Pair) GetJSON(ctx context.Context, path string, answer any) error {
	return getJSON(ctx, "http://"+p.Exporter+path, answer)
}

// StopPrometheus ends Prometheus and waits until it has ended.
func (p *Pair) StopPrometheus() {
	for _, process := range p.processes {
		if process.name == "prometheus" {
			process.Stop()
		}
	}
}

// StopExporter ends the exporter and waits until it has ended.
func (p *Pair) StopExporter() {
	for _, process := range p.processes {
		if process.name == "exporter" {
			process.Stop()
		}
	}
}

// KillExporter kills the exporter without a warning and waits until it has ended.
func (p *Pair) KillExporter() {
	for _, process := range p.processes {
		if process.name == "exporter" {
			process.Kill()
		}
	}
}

// Stop ends both and waits until they have ended.
func (p *Pair) Stop() {
	for _, process := range p.processes {
		process.Stop()
	}
}

// Metrics are the exporter's own.
func (p *Pair) Metrics(ctx context.Context) (Metrics, error) {
	return scrape(ctx, "http://"+p.Exporter+"/metrics")
}

// PrometheusMetrics are those of Prometheus itself.
func (p *Pair) PrometheusMetrics(ctx context.Context) (Metrics, error) {
	return scrape(ctx, "http://"+p.Prometheus+"/metrics")
}

// Get requests a path of the exporter.
func (p *Pair) Get(ctx context.Context, path string) (string, error) {
	return get(ctx, "http://"+p.Exporter+path)
}

// A Sample is a series of a query with its value.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query sends a query to Prometheus.
func Query(ctx context.Context, prometheus, query string) ([]Sample, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := getJSON(ctx, prometheus+"/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil {
		return nil, err
	}
	var all []Sample
	for _, r := range answer.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return nil, fmt.Errorf("decoding the answer of Prometheus: %w", err)
		}
		all = append(all, Sample{r.Metric, v})
	}
	return all, nil
}

// A ScrapeTarget is a discovered target after relabelling by Prometheus.
type ScrapeTarget struct {
	Labels         map[string]string
	ScrapeURL      string `json:"scrapeUrl"`
	ScrapeInterval string
	ScrapeTimeout  string
	Health         string
}

// ScrapeTargets returns the active targets of Prometheus.
func (p *Pair) ScrapeTargets(ctx context.Context) ([]ScrapeTarget, error) {
	var answer struct {
		Data struct{ ActiveTargets []ScrapeTarget }
	}
	err := getJSON(ctx, "http://"+p.Prometheus+"/api/v1/targets?state=active", &answer)
	return answer.Data.ActiveTargets, err
}

// A Rule is a rule with its health in Prometheus: ok, err or unknown.
type Rule struct{ Name, Health, LastError string }

// Rules returns all rules of Prometheus.
func (p *Pair) Rules(ctx context.Context) ([]Rule, error) {
	var answer struct {
		Data struct{ Groups []struct{ Rules []Rule } }
	}
	if err := getJSON(ctx, "http://"+p.Prometheus+"/api/v1/rules", &answer); err != nil {
		return nil, err
	}
	var all []Rule
	for _, g := range answer.Data.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

func getJSON(ctx context.Context, address string, into any) error {
	text, err := get(ctx, address)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("decoding the answer of %s: %w", address, err)
	}
	return nil
}
