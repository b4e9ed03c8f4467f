package collector

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// An exposition has the samples of one probe in the order and with the texts that a registry would give them. A
// registry costs more than most probes, because it checks in every scrape what the tests have checked once.
type exposition struct {
	families []family // one for each Metric, in the order of their names
	text     bytes.Buffer
}

// A family is a metric with its samples.
type family struct {
	out  dto.MetricFamily
	made []*dto.Metric // samples of this and earlier probes; out has the first of them
}

// expositions are not in use by any probe, and have room for the samples of the next one.
var expositions = sync.Pool{New: func() any { return newExposition() }}

func newExposition() *exposition {
	e := &exposition{families: make([]family, len(byName))}
	for i, m := range byName {
		out := &e.families[i].out
		out.Name, out.Help, out.Type = &m.Name, &m.Help, dto.MetricType_GAUGE.Enum()
	}
	return e
}

// exposition has the samples of the Collector. Release it after use.
func (c *Collector) exposition() *exposition {
	e, _ := expositions.Get().(*exposition)
	c.samples(e.add)
	for i := range e.families {
		slices.SortFunc(e.families[i].out.Metric, byLabels)
	}
	return e
}

// release gives an exposition back. It must not be used after that.
func (e *exposition) release() {
	e.text.Reset()
	for i := range e.families {
		e.families[i].out.Metric = e.families[i].out.Metric[:0]
	}
	expositions.Put(e)
}

// add is an emitFunc.
func (e *exposition) add(m *Metric, value float64, labels ...string) {
	f := &e.families[m.place]
	n := len(f.out.Metric)
	if n == len(f.made) {
		f.made = append(f.made, m.sample())
	}
	s := f.made[n]
	*s.Gauge.Value = value
	for i, pair := range s.Label {
		*pair.Value = valid(labels[m.order[i]])
	}
	f.out.Metric = append(f.out.Metric, s)
}

// sample makes a sample that has everything but its value.
func (m *Metric) sample() *dto.Metric {
	s := &dto.Metric{Gauge: &dto.Gauge{Value: new(float64)}}
	for _, i := range m.order {
		s.Label = append(s.Label, &dto.LabelPair{Name: &m.Labels[i], Value: new(string)})
	}
	return s
}

// byLabels compares samples in the order of a registry.
func byLabels(a, b *dto.Metric) int {
	return slices.CompareFunc(a.GetLabel(), b.GetLabel(), func(a, b *dto.LabelPair) int { return strings.Compare(a.GetValue(), b.GetValue()) })
}

// encode renders the families with these names, or all of them if there are no names.
func (e *exposition) encode(format expfmt.Format, names []string) ([]byte, error) {
	// None of our names needs to be escaped, whatever the scraper prefers.
	encoder := expfmt.NewEncoder(&e.text, format.WithEscapingScheme(model.NoEscaping))
	for i := range e.families {
		f := &e.families[i].out
		if len(f.Metric) == 0 || len(names) > 0 && !slices.Contains(names, f.GetName()) {
			continue
		}
		if err := encoder.Encode(f); err != nil {
			return nil, err
		}
	}
	return e.text.Bytes(), nil
}

// serve answers a scrape as promhttp does: in the format and with the names that it asks for, compressed if it accepts
// that.
func serve(w http.ResponseWriter, r *http.Request, query url.Values, c *Collector) {
	e := c.exposition()
	defer e.release()
	format := negotiate(r.Header)
	text, err := e.encode(format, query["name[]"])
	if err != nil {
		http.Error(w, "encoding the metrics: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header()["Vary"] = []string{"Accept", "Accept-Encoding"}
	w.Header().Set("Content-Type", string(format))
	send(w, r, text)
}

// negotiated is the last result of negotiate.
var negotiated atomic.Pointer[negotiation]

type negotiation struct {
	accept string
	format expfmt.Format
}

// negotiate is expfmt.NegotiateAccept, which makes a tenth of the allocations of a probe. A scraper sends the same
// header every time, so the last result is kept.
func negotiate(h http.Header) expfmt.Format {
	accept := h.Get("Accept")
	if last := negotiated.Load(); last != nil && last.accept == accept {
		return last.format
	}
	format := expfmt.NegotiateAccept(h, expfmt.DefaultAcceptedFormats()...)
	negotiated.Store(&negotiation{accept, format})
	return format
}
