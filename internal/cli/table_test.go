package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/inventory"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// TestFits: lists fit a narrow terminal, however long the names are. Names are not broken, because people copy them.
func TestFits(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("payments-", 6) + "api"
	wide := strings.Repeat("결제", 15)
	explanation := explained(func(e *policy.Explanation) {
		e.Service, e.Environment, e.Group, e.Backend = long, "PRE-PRODUCTION-EUROPE", "everything-behind-the-proxy", "kubernetes"
		e.Reason, e.LastAttempt = "resolve_temporary_failure", now.Add(-50*time.Hour)
		for i := range e.Guards {
			e.Guards[i].Value = "by somebody: " + long + " " + long
			e.Guards[i].Limit = "at least one of " + strings.Repeat("a,", 70)
			e.Guards[i].Next = now.Add(40 * time.Hour)
		}
	})
	for name, write := range map[string]func(*bytes.Buffer){
		"targets": func(b *bytes.Buffer) {
			writeTargets(b, []api.Target{
				{Description: inventory.Description{Name: long, Environment: "PRE-PRODUCTION-EUROPE", MaintenanceActive: true, Notification: "off", Source: "file:/etc/healthcheck_exporter/inventory/" + long + "/*.yml"}, State: "down", Reason: "websocket_handshake_timeout", Since: new(now.Add(-1000 * time.Hour)), LastProbe: new(now.Add(-999 * time.Hour)), DurationSeconds: new(12.5)},
				{Description: inventory.Description{Name: wide, Environment: "LIVE", Source: "targets"}, State: "up"},
				{Description: inventory.Description{Name: "shop", Environment: "LIVE", Source: "targets"}, State: "up"},
			}, now)
		},
		"services":    func(b *bytes.Buffer) { writeServices(b, []policy.Explanation{*explanation}, time.UTC) },
		"explanation": func(b *bytes.Buffer) { writeExplanation(b, explanation, time.UTC) },
	} {
		var b bytes.Buffer
		write(&b)
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > screen {
				t.Errorf("%s: a line has %d characters, want %d at most: %s", name, n, screen, line)
			}
		}
		if !strings.Contains(b.String(), long) {
			t.Errorf("%s: the name is broken:\n%s", name, &b)
		}
	}
}

// Words are whole where there is room: the first column gives way, whose cells have lines of their own if they are too long.
func TestWordsAreWhole(t *testing.T) {
	for _, tt := range []struct{ word, text string }{
		{"connect_refused", "NAME|ENVIRONMENT|STATE|REASON|SINCE|AGE|LATENCY|UPTIME\ncheckout-frontend-eu|PRODUCTION|down|connect_refused|1h40m0s|9s|12.5 ms|-"},
		{"/var/run/docker.sock:", "GUARD|SAYS|VALUE|LIMIT|NEXT\nbackend_cannot_restart|no|dial unix /var/run/docker.sock: connect: permission denied|the container engine answers|2026-11-30 02:00:00"},
	} {
		var rows table
		for row := range strings.SplitSeq(tt.text, "\n") {
			rows.add(strings.Split(row, "|")...)
		}
		var b bytes.Buffer
		rows.write(&b)
		if !strings.Contains(b.String(), tt.word) {
			t.Errorf("%s is broken:\n%s", tt.word, &b)
		}
	}
}

func TestTable(t *testing.T) {
	var rows table
	rows.add("NAME", "SOURCE", "SAYS")
	rows.add("shop", "targets", "one two three")
	rows.note("below the row")
	rows.add("a-name-that-is-much-longer-than-any-column-could-be-and-so-has-its-line", "file:"+strings.Repeat("x", 40), strings.Repeat("word ", 12))
	var b bytes.Buffer
	rows.write(&b)
	const want = `NAME                       SOURCE                     SAYS
shop                       targets                    one two three
  below the row
a-name-that-is-much-longer-than-any-column-could-be-and-so-has-its-line
                           file:xxxxxxxxxxxxxxxxxxxx  word word word word word
                           xxxxxxxxxxxxxxxxxxxx       word word word word word
                                                      word word
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	b.Reset()
	paragraph(&b, "  ", strings.Repeat("word ", 20)+"\x1b[2J")
	if got := b.String(); strings.Count(got, "\n") != 2 || strings.Contains(got, "\x1b") || !strings.Contains(got, "\n      word") {
		t.Errorf("got %q, want two lines that print", got)
	}
}
