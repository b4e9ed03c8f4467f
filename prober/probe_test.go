package prober_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// quick is the timeout of probes that are expected to run into it.
const quick = 300 * time.Millisecond

// patient is the timeout of probes that are not.
const patient = 20 * time.Second

// late is how long after its deadline a probe may return: on a busy machine it may have to wait for a processor.
const late = 10 * time.Second

// newProber builds an http prober from the lines of an http block.
func newProber(t testing.TB, block string) prober.Prober {
	t.Helper()
	return newModule(t, "    http:\n"+indent(block, "method: GET"))
}

// newModule builds a prober from the lines of a module, indented by 4.
func newModule(t testing.TB, lines string) prober.Prober {
	t.Helper()
	return fromYAML(t, "modules:\n  m:\n    prober: http\n"+lines)
}

// parse reads a configuration.
func parse(t testing.TB, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("test.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fromYAML builds the prober of the module m of a configuration.
func fromYAML(t testing.TB, text string) prober.Prober {
	t.Helper()
	c := parse(t, text)
	p, err := prober.New(c.Modules["m"], c.TargetRules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// indent indents the lines of a block by 6. An empty one gets the line otherwise.
func indent(block, otherwise string) string {
	const spaces = "      "
	if strings.TrimSpace(block) == "" {
		return spaces + otherwise + "\n"
	}
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(block, "\n") + "\n") {
		b.WriteString(spaces + strings.TrimPrefix(line, strings.Repeat("\t", 3)))
	}
	return b.String()
}

func target(t testing.TB, s string) prober.Request {
	t.Helper()
	name := "http"
	if strings.HasPrefix(s, "ws") {
		name = "websocket"
	}
	u, err := prober.ParseTarget(s, name)
	if err != nil {
		t.Fatal(err)
	}
	return prober.Request{URL: u}
}

func probe(t testing.TB, p prober.Prober, r prober.Request, timeout time.Duration) prober.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return p.Probe(ctx, r)
}

// failing makes a probe that is to fail for this reason and in this phase, by hanging or otherwise.
func failing(hangs bool) func(testing.TB, prober.Prober, prober.Request, prober.Reason, prober.PhaseName) prober.Result {
	if hangs {
		return hanging
	}
	return func(t testing.TB, p prober.Prober, r prober.Request, _ prober.Reason, _ prober.PhaseName) prober.Result {
		t.Helper()
		res := probe(t, p, r, patient)
		if res.Duration > late {
			t.Errorf("the probe took %s, want it to end at once", res.Duration)
		}
		return res
	}
}

// hanging makes a probe that is to run into its deadline for this reason and in this phase.
func hanging(t testing.TB, p prober.Prober, r prober.Request, reason prober.Reason, phase prober.PhaseName) prober.Result {
	t.Helper()
	return hangingUntil(t, p, r, func(res prober.Result) bool { return res.Reason == reason && res.FailedPhase == phase })
}

// hangingUntil makes a probe that is to run into its deadline with a result that is as wanted. On a busy machine the time may
// be over before it gets that far: then it has more.
func hangingUntil(t testing.TB, p prober.Prober, r prober.Request, wanted func(prober.Result) bool) prober.Result {
	t.Helper()
	for timeout := quick; ; timeout *= 4 {
		start := time.Now()
		res := probe(t, p, r, timeout)
		if !wanted(res) && 4*timeout <= patient {
			continue
		}
		if took := time.Since(start); took > timeout+late {
			t.Errorf("the probe took %s, want it to end at its deadline of %s", took, timeout)
		}
		return res
	}
}

// wantSuccess fails the test unless the probe succeeded.
func wantSuccess(t testing.TB, r prober.Result) {
	t.Helper()
	if !r.Success() {
		t.Fatalf("probe failed: %s in phase %s: %v", r.Reason, r.FailedPhase, r.Err)
	}
}

// wantFailure fails the test unless the probe failed for this reason in this phase, with a text that has part.
func wantFailure(t testing.TB, r prober.Result, reason prober.Reason, phase prober.PhaseName, part string) {
	t.Helper()
	got, want := fmt.Sprintf("%s in phase %s", r.Reason, r.FailedPhase), fmt.Sprintf("%s in phase %s", reason, phase)
	if got != want {
		t.Fatalf("reason is %s (%v), want %s", got, r.Err, want)
	}
	if r.Err == nil || !strings.Contains(r.Err.Error(), part) {
		t.Errorf("error is %v, want one with %q", r.Err, part)
	}
}

func portOf(t testing.TB, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
