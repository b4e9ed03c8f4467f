package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// ExporterJob is the job of the exporter itself in the list.
const ExporterJob = "healthcheck_exporter"

// Discovery serves the inventory as HTTP service discovery of Prometheus
// (https://prometheus.io/docs/prometheus/latest/http_sd/).
type Discovery struct {
	Inventory func() *Inventory
	// Missing returns why targets may be missing that will be there later. Prometheus is told to keep what it has. nil: none are.
	Missing func() error
	// External is where Prometheus reaches the exporter. nil: the address of the request, with Prefix.
	External *url.URL
	// Prefix is the path below which everything is served, "" or "/prefix".
	Prefix string
	// Offset is how much of a scrape is not available to the probe; see config.Options.
	Offset time.Duration
}

// ServeHTTP implements http.Handler.
func (d *Discovery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, err := ParseSelection(r.URL.Query())
	if err != nil {
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusBadRequest)
		return
	}
	if err := d.Missing(); err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, printable.Text(err.Error(), printable.MaxError), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = d.write(w, d.Inventory(), s, d.endpoint(r)) // an error means that the client is gone
}

// An endpoint is where Prometheus reaches the exporter.
type endpoint struct{ scheme, address, path string }

func (d *Discovery) endpoint(r *http.Request) endpoint {
	if u := d.External; u != nil {
		return endpoint{u.Scheme, u.Host, strings.TrimRight(u.Path, "/")}
	}
	p := endpoint{"http", r.Host, d.Prefix}
	if r.TLS != nil {
		p.scheme = "https"
	}
	if p.address == "" { // only HTTP/1.0 allows that
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			p.address = addr.String()
		}
	}
	return p
}

// chunk is how much of an answer is written at once.
const chunk = 32 << 10

// write writes the selected targets. The memory it takes does not grow with their number.
func (d *Discovery) write(w io.Writer, inv *Inventory, s Selection, p endpoint) error {
	head := appendString([]byte(`{"targets":[`), p.address)
	head = append(head, `],"labels":{"__scheme__":`...)
	head = append(appendString(head, p.scheme), `,"__metrics_path__":`...)
	probe := append(appendString(slices.Clone(head), p.path+"/probe"), `,"__param_name":`...)

	b := make([]byte, 0, chunk+chunk/4)
	b = append(b, '[')
	b = append(appendString(append(b, head...), p.path+"/metrics"), `,"job":"`+ExporterJob+`"}}`...)
	for _, e := range inv.entries {
		if !s.Has(e) {
			continue
		}
		b = d.appendEntry(append(append(b, ",\n"...), probe...), e)
		if len(b) >= chunk {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(append(b, "]\n"...))
	return err
}

// appendEntry appends what differs from target to target.
func (d *Discovery) appendEntry(b []byte, e *Entry) []byte {
	b = appendString(b, e.Name)
	b = append(b, `,"__scrape_interval__":"`...)
	b = appendDuration(b, time.Duration(e.Interval))
	b = append(b, `","__scrape_timeout__":"`...)
	b = appendDuration(b, min(time.Duration(e.Interval), time.Duration(e.Timeout)+max(d.Offset, 0)))
	b = append(b, `","instance":`...)
	b = appendString(b, e.Instance)
	b = append(b, `,"target":`...)
	b = appendString(b, e.Name)
	b = append(b, `,"environment":`...)
	b = appendString(b, e.Environment)
	for _, l := range e.labels {
		b = append(appendString(append(b, ','), l.name), ':')
		b = appendString(b, l.value)
	}
	return append(b, "}}"...)
}

// appendString appends s as JSON.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			if text, err := json.Marshal(s); err == nil { // it always is
				return append(b, text...)
			}
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendDuration appends a duration as Prometheus reads it: without fractions, and in whole milliseconds.
func appendDuration(b []byte, d time.Duration) []byte {
	if d%time.Second != 0 {
		return append(strconv.AppendInt(b, int64((d+time.Millisecond-1)/time.Millisecond), 10), "ms"...)
	}
	if seconds := int64(d / time.Second); seconds < 60 {
		return append(strconv.AppendInt(b, seconds, 10), 's')
	}
	return append(b, model.Duration(d).String()...)
}

// A Selection is the part of the inventory that a query asks for.
type Selection struct {
	environments, names []string // empty: all
	shard, shards       uint64   // shards 0: all
}

// maxShards bounds the work for one target.
const maxShards = 10_000

// ParseSelection reads a query. An unknown parameter is an error: a misspelt filter would not filter anything.
func ParseSelection(query url.Values) (Selection, error) {
	var s Selection
	for key, values := range query {
		switch key {
		case "environment":
			s.environments = values
		case "name":
			s.names = values
		case "shard":
			i, n, ok := strings.Cut(values[0], "/")
			var err1, err2 error
			s.shard, err1 = strconv.ParseUint(i, 10, 64)
			s.shards, err2 = strconv.ParseUint(n, 10, 64)
			if !ok || len(values) > 1 || errors.Join(err1, err2) != nil || s.shard >= s.shards || s.shards > maxShards {
				return s, fmt.Errorf("shard is %q, want i/n with i from 0 to n-1 and n up to %d", strings.Join(values, ", "), maxShards)
			}
		default:
			return s, fmt.Errorf("unknown parameter %q, want environment, name or shard", key)
		}
	}
	return s, nil
}

// Has reports whether the selection includes a target.
func (s Selection) Has(e *Entry) bool {
	return (len(s.environments) == 0 || slices.Contains(s.environments, e.Environment)) &&
		(len(s.names) == 0 || slices.Contains(s.names, e.Name)) &&
		(s.shards == 0 || shardOf(e.Name, s.shards) == s.shard)
}

// shardOf returns the shard of a name. If a shard is added, only the names that it gets move.
//
// It is the jump consistent hash of Lamping and Veach (arXiv:1406.2294).
func shardOf(name string, shards uint64) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // a hash takes everything
	key := h.Sum64()
	var shard, next uint64
	for next < shards {
		shard = next
		key = key*2862933555777941757 + 1
		next = uint64(float64(shard+1) * (float64(1<<31) / float64((key>>33)+1)))
	}
	return shard
}
