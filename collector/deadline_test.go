package collector_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/collector"
	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

func TestTimeout(t *testing.T) {
	const (
		fallback = 7 * time.Second
		half     = 500 * time.Millisecond
	)
	for _, tt := range []struct {
		name           string
		header         string
		module, offset time.Duration
		want           time.Duration
	}{
		{"usual", "10", 0, half, 9500 * time.Millisecond},
		{"fraction", "2.5", 0, 100 * time.Millisecond, 2400 * time.Millisecond},
		{"short", "0.5", 0, half, 450 * time.Millisecond},
		{"very short", "0.1", 0, half, 90 * time.Millisecond},
		{"a tenth exactly", "5", 0, half, 4500 * time.Millisecond},
		{"too short to be true", "1e-9", 0, half, 7 * time.Second},
		{"shortest", "0.001", 0, half, 900 * time.Microsecond},
		{"less than a nanosecond", "1e-10", 0, half, fallback},
		{"no offset", "10", 0, 0, 10 * time.Second},
		{"offset longer than the timeout", "10", 0, time.Minute, 9 * time.Second},
		{"negative offset", "10", 0, -time.Minute, 10 * time.Second},
		{"just short enough", "120.5", 0, half, 2 * time.Minute},
		{"longer than a scrape may claim", "3600", 0, half, 2 * time.Minute},
		{"longer, and the module says so", "3600", 10 * time.Minute, half, 10 * time.Minute},
		{"too long", "3600.1", 0, half, fallback},
		{"far too long", "1e300", 0, half, fallback},
		{"overflow", "1e999", 0, half, fallback},
		{"NaN", "NaN", 0, half, fallback},
		{"infinite", "Inf", 0, half, fallback},
		{"infinite with sign", "+Inf", 0, half, fallback},
		{"negatively infinite", "-Inf", 0, half, fallback},
		{"negative", "-1", 0, half, fallback},
		{"zero", "0", 0, half, fallback},
		{"negative zero", "-0", 0, half, fallback},
		{"missing", "", 0, half, fallback},
		{"no number", "abc", 0, half, fallback},
		{"with a unit", "10s", 0, half, fallback},
		{"two numbers", "10, 10", 0, half, fallback},
		{"shorter module", "10", 3 * time.Second, half, 3 * time.Second},
		{"module just shorter than what is left", "10", 9499 * time.Millisecond, half, 9499 * time.Millisecond},
		{"module as long as the scrape", "10", 10 * time.Second, half, 9500 * time.Millisecond},
		{"longer module", "10", time.Minute, half, 9500 * time.Millisecond},
		{"module alone", "", 3 * time.Second, half, 3 * time.Second},
		{"module longer than the fallback", "", time.Minute, half, time.Minute},
		{"module beside nonsense", "NaN", 3 * time.Second, half, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := collector.Timeout(tt.header, tt.module, tt.offset, fallback); got != tt.want {
				t.Errorf("Timeout(%q, %s, %s, %s) is %s, want %s", tt.header, tt.module, tt.offset, fallback, got, tt.want)
			}
		})
	}
}

// TestHandlerTimeout checks that the Handler gives the Prober that time.
func TestHandlerTimeout(t *testing.T) {
	for _, tt := range []struct {
		name, header string
		module, want time.Duration
	}{
		{"scrape timeout", "10", 0, 9500 * time.Millisecond},
		{"module", "10", 2 * time.Second, 2 * time.Second},
		{"neither", "", 0, prober.DefaultTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &spy{}
				f := serving(map[string]collector.Module{"http_2xx": {
					Name: "http_2xx", Config: config.Module{Timeout: config.Duration(tt.module)}, Prober: s,
				}})
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+query("http://h/"), http.NoBody)
				if tt.header != "" {
					r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", tt.header)
				}
				f.handler.ServeHTTP(httptest.NewRecorder(), r)
				if s.timeout != tt.want {
					t.Errorf("the probe had %s, want %s", s.timeout, tt.want)
				}
			})
		})
	}
}

// FuzzTimeout checks what must hold for any header: there is time, there is not too much of it, and the offset does
// not eat it up.
func FuzzTimeout(f *testing.F) {
	for _, header := range []string{"10", "0.1", "1e-9", "", "NaN", "-Inf", "3600", "1e300", "0x1p-40", "1_0", " 1"} {
		f.Add(header, int64(0), int64(offset))
		f.Add(header, int64(3*time.Second), int64(-1))
		f.Add(header, int64(2*time.Hour), int64(math.MaxInt64))
	}
	f.Fuzz(func(t *testing.T, header string, moduleNanos, offsetNanos int64) {
		module, fallback := max(time.Duration(moduleNanos), 0), prober.DefaultTimeout
		got := collector.Timeout(header, module, time.Duration(offsetNanos), fallback)
		if got <= 0 || got > max(module, 2*time.Minute, fallback) || module > 0 && got > module {
			t.Fatalf("timeout is %s with module timeout %s", got, module)
		}
		seconds, err := strconv.ParseFloat(header, 64)
		if err != nil || !(seconds >= 1e-3 && seconds <= 3600) { // Also for NaN.
			return
		}
		scrape := time.Duration(seconds * float64(time.Second))
		if got > scrape {
			t.Fatalf("timeout is %s, longer than the scrape's %s", got, scrape)
		}
		if least := scrape - scrape/10; got < least && got != module && (module > 0 || got != 2*time.Minute) {
			t.Fatalf("timeout is %s, want at least %s or the module's %s", got, least, module)
		}
	})
}
