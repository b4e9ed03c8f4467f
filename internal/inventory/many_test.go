package inventory

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// classicList returns a list of n servers. Every hundredth has the name of another.
func classicList(n int) string {
	type server struct {
		HostName     string `json:"hostName"`
		Host         string `json:"host"`
		Port         int    `json:"port"`
		Type         int    `json:"type"`
		Environment  string `json:"environment"`
		Notification int    `json:"notification"`
	}
	list := make([]server, n)
	for i := range list {
		list[i] = server{fmt.Sprint("server-", i-i%100/99), fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), 8080, 1 + i%4, "LIVE", i % 2}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	return string(text)
}

// A list of many servers read by CEL, some of them twice, and a list of as many targets: all valid targets are there, and the
// log stays readable. BenchmarkDecode has more of them: with the race detector, on a busy machine, they take too long.
func TestManyTargets(t *testing.T) {
	const n = 3_000
	answers := map[string]string{"/classic": classicList(n), "/plain": plainList(n)}
	server := probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, answers[r.URL.Path]) }))
	f := keeper(t)
	f.apply(t, `
target_apis:
  - {name: plain, url: '`+server.URL+`/plain', format: targets, timeout: 1m}
  - name: classic
    url: `+server.URL+`/classic
    timeout: 1m
    map: {name: item.hostName, url: '"http://" + item.host + ":" + string(item.port) + "/"', notification: item.notification}
`)
	f.ask(t)
	if got, want := len(f.Inventory().Entries()), n+n-n/100; got != want {
		t.Errorf("there are %d targets, want %d", got, want)
	}
	log := f.logged()
	if lines := strings.Count(log, "\n"); lines > maxComplaints+1 || !strings.Contains(log, "More targets have problems than are listed here") || !strings.Contains(log, fmt.Sprint("count=", n/100)) {
		t.Errorf("%d lines of log:\n%s", lines, log)
	}
	if !strings.Contains(log, `target \"server-98\" is already in api:classic, which is used; this one is from api:classic`) {
		t.Errorf("log: %s", log)
	}
}

func plainList(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"name": "plain-%d", "url": "https://plain-%d.example.com/health", "interval": "15s", "labels": {"team": "checkout"}}`, i, i))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint("targets-", n), func(b *testing.B) {
			data := []byte(plainList(n))
			b.ReportAllocs()
			for b.Loop() {
				d := &decoder{reader: reader(b), mask: masked}
				if err := d.json(b.Context(), "targets", data); err != nil || len(d.targets) != n {
					b.Fatal(err, len(d.targets))
				}
			}
		})
		b.Run(fmt.Sprint("map-", n), func(b *testing.B) {
			data, m := []byte(classicList(n)), classic(b)
			b.ReportAllocs()
			for b.Loop() {
				d := &decoder{reader: reader(b), mask: masked}
				if err := d.mapped(b.Context(), m, data); err != nil || len(d.targets) != n {
					b.Fatal(err, len(d.targets))
				}
			}
		})
	}
}
