package prober_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A hostile target sends as much as it can, of what steers a terminal.
type hostile struct {
	url    string
	prober prober.Prober
}

// ugly has escape sequences, characters that change the order of a text, line breaks, and bytes that are not UTF-8.
const ugly = "\x1b]0;owned\a\u202e\u2066\u200b\r\n\t\"<&'\u0085\xff\u2028"

func flood(n int) string { return strings.Repeat(ugly, n/len(ugly)+1)[:n] }

// redirecting answers every path but the last with a redirect to what location says of the count.
func redirecting(t testing.TB, location func(n int) string, header http.Header) string {
	return probetest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		maps.Copy(w.Header(), header)
		w.Header().Set("Location", location(n+1))
		w.WriteHeader(http.StatusFound)
	})).URL
}

// hostileTargets are the worst of each kind.
func hostileTargets(t testing.TB) map[string]hostile {
	ca := probetest.NewCA(t)
	trust := "tls_config: {ca_file: " + ca.File() + "}"
	plain := newProber(t, "")
	many := make([]string, 15_000)
	for i := range many {
		many[i] = fmt.Sprintf("n%05d.test", i)
	}
	longLocation := func(size int) func(int) string {
		return func(n int) string {
			return fmt.Sprintf("/%s?n=%d&%s", strings.Repeat("%1b%e2%80%ae", size/12), n, strings.Repeat("k&", 100))
		}
	}
	cookies := http.Header{}
	for i := range 2000 {
		cookies.Add("Set-Cookie", fmt.Sprintf("c%d=%s", i, strings.Repeat("v", 10)))
	}
	talks := func(say func(c *websocket.Conn)) string {
		return probetest.WebSocket(t, &websocket.Upgrader{}, func(_ context.Context, c *websocket.Conn) { say(c) }).URL
	}
	expect := newWebSocket(t, "query_response: [{expect: never, skip_until_match: true}]")
	https := func(c probetest.Cert) string {
		return probetest.TLSServer(t, ca.Issue(t, c), http.NotFoundHandler()).URL
	}
	answer := func(s string) string { return probetest.Answer(t, s, false).URL }
	binary := []byte(flood(10_000))
	text := bytes.ToValidUTF8(binary, nil)
	const ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n"

	return map[string]hostile{
		"ten redirects of 1 MB":          {redirecting(t, longLocation(1<<20), nil), plain},
		"ten redirects of 60 kB":         {redirecting(t, longLocation(60_000), nil), plain},
		"redirect to a long host":        {redirecting(t, func(int) string { return "http://" + strings.Repeat("a.", 20_000) + "test/" }, nil), plain},
		"redirect to a long zone":        {redirecting(t, func(int) string { return "http://[fe80::1%25" + strings.Repeat("z", 50_000) + "]/" }, nil), plain},
		"redirect to a long scheme":      {redirecting(t, func(int) string { return strings.Repeat("s", 50_000) + "://a/" }, nil), plain},
		"redirect to a long port":        {redirecting(t, func(int) string { return "http://a:" + strings.Repeat("9", 50_000) + "/" }, nil), plain},
		"cookies":                        {redirecting(t, func(n int) string { return fmt.Sprintf("/?n=%d", n) }, cookies), plain},
		"long reason phrase":             {answer("HTTP/1.1 500 " + flood(60_000)), plain},
		"long version":                   {answer("HTTP/1.1" + flood(60_000) + " 200 OK\r\n\r\n"), plain},
		"long header":                    {answer(ok + "X: " + strings.Repeat("x", 60_000) + "\r\n\r\n"), newProber(t, "fail_if_header_not_matches: [{header: x, regexp: y}]")},
		"headers without end":            {probetest.EndlessHeaders(t).URL, plain},
		"long Content-Encoding":          {answer(ok + "Content-Encoding: " + strings.Repeat("\u202e", 20_000) + "\r\n\r\nhello"), newProber(t, "compression: gzip")},
		"JSON of escapes":                {answer(ok + "\r\n" + strconv.Quote("a") + flood(1<<20)), newProber(t, "fail_if_body_json_not_matches_cel: body.a")},
		"JSON as a key":                  {answer(ok + "\r\n" + `{"k":"` + strings.Repeat("x", 1<<20) + `"}`), newProber(t, "fail_if_body_json_not_matches_cel: body[body.k]")},
		"certificate with 15,000 names":  {https(probetest.Cert{DNSNames: append(many, "localhost")}), newProber(t, trust)},
		"certificate for 15,000 others":  {https(probetest.Cert{DNSNames: many}), newProber(t, trust)},
		"subject of escapes":             {https(probetest.Cert{CommonName: strings.Repeat("\x1b\u202e", 10_000)}), newProber(t, trust)},
		"subject of escapes, not known":  {https(probetest.Cert{CommonName: strings.Repeat("\x1b\u202e", 10_000), SelfSigned: true}), plain},
		"expired with a long subject":    {https(probetest.Cert{CommonName: strings.Repeat("\x1b\u202e", 10_000), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}), newProber(t, trust)},
		"upgrade refused with redirects": {"ws" + redirecting(t, longLocation(50_000), nil)[len("http"):], newWebSocket(t, "")},
		"messages": {talks(func(c *websocket.Conn) {
			for range 1000 {
				if c.WriteMessage(websocket.TextMessage, text) != nil || c.WriteMessage(websocket.BinaryMessage, binary) != nil ||
					c.WriteControl(websocket.PongMessage, binary[:100], time.Now().Add(time.Second)) != nil {
					return
				}
			}
		}), expect},
		"no text": {talks(func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, binary) }), expect},
		"close reason": {talks(func(c *websocket.Conn) {
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, strings.Repeat("\x1b\u202e", 30)), time.Now().Add(time.Second))
		}), expect},
	}
}

// maxResult bounds in bytes what a Result may keep.
const maxResult = 64 << 10

// TestTextsAreBounded probes the worst targets. Whatever they send, a Result is small, and all of it prints.
func TestTextsAreBounded(t *testing.T) {
	for name, h := range hostileTargets(t) {
		t.Run(name, func(t *testing.T) {
			res := probe(t, h.prober, target(t, h.url), patient)
			if got := res.Size(); got > maxResult {
				t.Errorf("the Result keeps %d bytes, want at most %d", got, maxResult)
			}
			counted := 0
			texts(reflect.ValueOf(res), "Result", func(path, s string) {
				counted += len(s)
				longest := printable.MaxError + 50
				if strings.HasSuffix(path, ".HostNames") {
					longest = 9 << 10
				}
				if len(s) > longest {
					t.Errorf("%s has %d bytes, want at most %d", path, len(s), longest)
				}
				if !printable.Is(s) && !strings.HasSuffix(path, ".Excerpt") {
					t.Errorf("%s is %q, which does not print", path, s)
				}
			})
			if counted > res.Size() {
				t.Errorf("the texts have %d bytes, and the Result says %d", counted, res.Size())
			}
		})
	}
}

// TestResultsHoldOnToNothing keeps many results and looks at the memory: texts must not be parts of what was received.
func TestResultsHoldOnToNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector takes memory of its own, and long")
	}
	for name, h := range hostileTargets(t) {
		t.Run(name, func(t *testing.T) {
			const probes = 40
			var kept []prober.Result
			probe(t, h.prober, target(t, h.url), patient)
			before := heap()
			size := 0
			for range probes {
				res := probe(t, h.prober, target(t, h.url), patient)
				size += res.Size()
				kept = append(kept, res)
			}
			got, most := heap()-before, size*3/2+(3<<19)
			for range 100 { // the server may hold on to what it has sent for a moment
				if got <= most {
					break
				}
				<-time.After(50 * time.Millisecond)
				got = heap() - before
			}
			if got > most {
				t.Errorf("%d results keep %d bytes, want at most %d", probes, got, most)
			}
			runtime.KeepAlive(kept)
		})
	}
}

// heap is the memory in use, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC() // what finalizers and pools held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// texts calls visit for every text below v.
func texts(v reflect.Value, path string, visit func(path, s string)) {
	switch x := v.Interface().(type) {
	case slog.Value:
		visit(path, x.String())
		return
	case error:
		visit(path, x.Error())
		return
	case fmt.Stringer:
		visit(path, x.String())
		return
	}
	switch v.Kind() { //nolint:exhaustive // the others have no text
	case reflect.String:
		visit(path, v.String())
	case reflect.Struct:
		for field, f := range v.Fields() {
			texts(f, path+"."+field.Name, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			texts(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			texts(v.Elem(), path, visit)
		}
	}
}
