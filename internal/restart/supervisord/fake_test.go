package supervisord

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	commonconfig "github.com/prometheus/common/config"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

const (
	user     = "healthcheck"
	password = "canary"
)

// A fake is a supervisord with one process, group:web, behind a unix socket that wants a user and a password.
type fake struct {
	t    *testing.T
	path string

	mu    sync.Mutex // protects the following
	p     process
	calls []string
	// How often the configuration was asked for.
	configs int
	// After a stop all credentials are rejected.
	locksAfterStop, locked bool
	// How many looks find it STOPPING.
	stopsAfter int
	fail       map[string]string // method to what goes wrong: "fault 10", "hang", "break before", "break after"
	hung       func()            // called once a method has begun to hang; nil: nobody wants to know
}

func newFake(t *testing.T, p process) *fake {
	t.Helper()
	f := &fake{t: t, p: p, fail: map[string]string{}}
	f.path = probetest.ServeUnix(t, f)
	return f
}

func (f *fake) backend() *Backend {
	f.t.Helper()
	b, err := New(Config{
		Process: "group:web", URL: "unix://" + f.path,
		BasicAuth: &commonconfig.BasicAuth{Username: user, Password: password},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u, p, _ := r.BasicAuth()
	f.mu.Lock()
	locked := f.locked
	f.mu.Unlock()
	if locked || u != user || p != password || r.URL.Path != "/RPC2" || r.Method != http.MethodPost {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	var call struct {
		Method string  `xml:"methodName"`
		Params []value `xml:"params>param>value"`
	}
	if err := xml.NewDecoder(r.Body).Decode(&call); err != nil {
		f.t.Error(err)
	}
	method := strings.TrimPrefix(call.Method, "supervisor.")
	line := []string{method}
	for _, p := range call.Params {
		line = append(line, p.String+p.Boolean)
	}
	f.mu.Lock()
	how := f.fail[method]
	if !strings.HasPrefix(method, "get") {
		f.calls = append(f.calls, strings.Join(line, " "))
	}
	if how == "" || how == "break after" || how == "hang" {
		f.do(method)
	}
	text, hung := f.answer(method, how), f.hung
	f.mu.Unlock()
	switch {
	case strings.HasPrefix(how, "break"):
		panic(http.ErrAbortHandler)
	case how == "hang":
		if hung != nil {
			hung()
		}
		<-r.Context().Done()
	default:
		fmt.Fprint(w, xml.Header+"<methodResponse>"+text+"</methodResponse>")
	}
}

// do is what supervisord does.
func (f *fake) do(method string) {
	switch method {
	case "getProcessInfo":
		f.stopsAfter--
		if f.stopsAfter == 0 {
			f.do("stopProcess")
		}
	case "stopProcess":
		f.p.state, f.p.stop, f.locked = stopped, f.p.now, f.locksAfterStop
	case "startProcess":
		f.p.state, f.p.start = running, f.p.now+1
	}
}

func (f *fake) answer(method, how string) string {
	var code int
	if n, _ := fmt.Sscanf(how, "fault %d", &code); n == 1 {
		return fmt.Sprintf("<fault><value><struct><member><name>faultCode</name><value><int>%d</int></value></member>"+
			"<member><name>faultString</name><value><string>TEXT: group:web</string></value></member></struct></value></fault>", code)
	}
	fields := map[string]int64{"start": f.p.start, "stop": f.p.stop, "now": f.p.now, "state": f.p.state}
	switch method {
	case "getProcessInfo":
		return "<params><param>" + structOf(fields) + "</param></params>"
	case "getAllConfigInfo":
		f.configs++
		text := structOf(map[string]int64{"stopwaitsecs": 20, "startsecs": 3})
		return "<params><param><value><array><data>" + structOf(nil) + text + "</data></array></value></param></params>"
	case "stopProcess", "startProcess":
		return "<params><param><value><boolean>1</boolean></value></param></params>"
	default:
		f.t.Errorf("%s was called", method)
		return ""
	}
}

func structOf(fields map[string]int64) string {
	var b strings.Builder
	b.WriteString("<value><struct>")
	for name, n := range fields {
		fmt.Fprintf(&b, "<member><name>%s</name><value><int>%d</int></value></member>\n", name, n)
	}
	name := "web"
	if fields == nil {
		name = "another"
	}
	fmt.Fprintf(&b, "<member><name>name</name><value><string>%s</string></value></member>", name)
	b.WriteString("<member><name>group</name><value><string>group</string></value></member>")
	b.WriteString("<member><name>command</name><value><string>canary</string></value></member></struct></value>")
	return b.String()
}

func (f *fake) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fake) breaks(method, how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail[method] = how
}
