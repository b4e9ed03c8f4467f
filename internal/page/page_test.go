package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/board"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/hint"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/history"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/status"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A stage is pages of an inventory, whose targets a test has up and down.
type stage struct {
	*Pages
	health    Health
	restarts  map[string]string
	inventory *inventory.Inventory
}

// newStage has the targets of a configuration, none of them probed.
func newStage(tb testing.TB, targets string) *stage {
	tb.Helper()
	c, err := config.Parse("test.yml", []byte("modules: {http_2xx: {prober: http}}\n"+targets))
	if err != nil {
		tb.Fatal(err)
	}
	s := &stage{restarts: map[string]string{}, health: Health{Started: time.Now()}}
	s.inventory = inventory.Merge(c, []inventory.Part{{Source: inventory.StaticSource, Reviewed: true, Targets: c.Targets}}, prober.MaskURL)
	s.Pages = &Pages{
		Board: &board.Source{
			Inventory: func() *inventory.Inventory { return s.inventory }, Status: status.NewTracker(),
			Restarting: func() map[string]string { return s.restarts },
		},
		Title: func() string { return "healthcheck" }, History: history.New(10),
		HintOf: func(_ string, r *prober.Result) string { return hint.For(r, &config.Module{}) },
		Health: func() Health { return s.health },
	}
	return s
}

// up and down have targets probed at a time.
func (s *stage) up(at time.Time, names ...string) {
	for _, name := range names {
		s.Board.Status.Observe(status.Probe{Name: name, Result: prober.Result{Start: at, Duration: 12 * time.Millisecond}})
	}
}

func (s *stage) down(at time.Time, names ...string) {
	for _, name := range names {
		s.Board.Status.Observe(status.Probe{Name: name, Result: prober.Result{
			Start: at, Duration: 12 * time.Millisecond, Reason: prober.ReasonStatus, Err: errors.New("status 503, want 2xx"),
			HTTP: &prober.HTTPResult{Method: "GET", Path: "/health", StatusCode: 503},
		}})
	}
}

// fleet is an inventory of n targets in three environments.
func fleet(n int) string {
	var text strings.Builder
	text.WriteString("targets:\n")
	for i := range n {
		fmt.Fprintf(&text, "  - {name: %s, url: 'http://10.%d.%d.1/health', environment: %s, labels: {team: t%d}}\n",
			nameOf(i), i/250, i%250, []string{"LIVE", "STAGE", "DEV"}[i%3], i%20)
	}
	return text.String()
}

func nameOf(i int) string {
	words := []string{"shop", "cart", "feed", "web", "wiki", "search", "mail", "pay", "auth", "push"}
	return fmt.Sprintf("%s-%s-%03d", words[i%10], words[i/10%10], i/100)
}

// ask asks for the list.
func (s *stage) ask(query string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/"+query, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.List(w, r)
	return w
}

// unable is a probe that the exporter could not make.
var unable = prober.Result{Reason: prober.ReasonLocalResource, Err: errors.New("too many open files")}

// own has a target probed by the exporter itself.
func (s *stage) own(name string) {
	s.Board.Status.Observe(status.Probe{Name: name, Own: true, Result: prober.Result{Start: time.Now(), Duration: time.Millisecond}})
}
