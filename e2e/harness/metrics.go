package harness

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Labels select the series that have all of them.
type Labels map[string]string

// Metrics are the series of one scrape.
type Metrics []series

type series struct {
	name   string
	labels Labels
	value  float64
}

var (
	sample  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)`)
	pair    = regexp.MustCompile(`([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"`)
	unslash = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n")
)

// scrape reads metrics in Prometheus' text format.
func scrape(ctx context.Context, url string) (Metrics, error) {
	text, err := get(ctx, url)
	if err != nil {
		return nil, err
	}
	var m Metrics
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		found := sample.FindStringSubmatch(line)
		if found == nil {
			return nil, fmt.Errorf("%s has the line %q", url, line)
		}
		s := series{name: found[1], labels: Labels{}}
		for _, p := range pair.FindAllStringSubmatch(found[2], -1) {
			s.labels[p[1]] = unslash.Replace(p[2])
		}
		if s.value, err = strconv.ParseFloat(found[3], 64); err != nil {
			return nil, fmt.Errorf("%s has the line %q: %w", url, line, err)
		}
		m = append(m, s)
	}
	return m, nil
}

// Sum adds up the selected series of a name. Without any series it is 0.
func (m Metrics) Sum(name string, want Labels) float64 {
	sum := 0.0
	for _, s := range m {
		if s.name == name && s.has(want) {
			sum += s.value
		}
	}
	return sum
}

func (s *series) has(want Labels) bool {
	for name, value := range want {
		if s.labels[name] != value {
			return false
		}
	}
	return true
}
