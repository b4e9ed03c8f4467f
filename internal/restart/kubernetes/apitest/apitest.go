// Package apitest has an API server of Kubernetes for tests. It keeps objects as the real one does, with generations and
// versions, and changes them by patches. A test plays the controllers of the cluster.
package apitest

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
)

// Token is the token that a request must have.
const Token = "canary-token"

// A Server is an API server. It listens on a loopback address, with TLS.
type Server struct {
	*httptest.Server

	mu        sync.Mutex // protects the following
	objects   map[string]object
	version   int
	requests  []string
	token     string
	intercept http.HandlerFunc
}

// An object is an object of Kubernetes, as JSON decodes it.
type object = map[string]any

// New starts a server, which is stopped at the end of the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{objects: map[string]object{}, token: Token}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	return s
}

// CA returns the certificate that signs the server's, in PEM.
func (s *Server) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// Kubeconfig writes a kubeconfig with the token, and returns its path.
func (s *Server) Kubeconfig(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{current-context: test, contexts: [{name: test, context: {cluster: test, user: test}}],
clusters: [{name: test, cluster: {server: %q, certificate-authority-data: %s}}],
users: [{name: test, user: {token: %s}}]}`, s.URL, base64.StdEncoding.EncodeToString(s.CA()), Token)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Client returns a client that may do everything.
func (s *Server) Client(tb testing.TB) *api.Client {
	tb.Helper()
	c, err := api.New(api.Config{Kubeconfig: s.Kubeconfig(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Create makes an object from JSON, at a path such as "/apis/apps/v1/namespaces/shop/deployments/web".
func (s *Server) Create(tb testing.TB, path, text string) {
	tb.Helper()
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		tb.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := child(o, "metadata")
	m["name"], m["uid"], m["generation"] = path[strings.LastIndex(path, "/")+1:], "uid-"+path, float64(1)
	s.put(path, o)
}

// Delete removes an object.
func (s *Server) Delete(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, path)
}

// Edit changes an object as somebody else would, by a merge patch in JSON.
func (s *Server) Edit(tb testing.TB, path, patch string) {
	tb.Helper()
	var p object
	if err := json.Unmarshal([]byte(patch), &p); err != nil {
		tb.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(path, s.patched(path, p))
}

// Object returns an object as it is now.
func (s *Server) Object(path string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.objects[path])
}

// Require makes the server require another token.
func (s *Server) Require(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Intercept lets f answer every request instead of the server. If f is nil, the server answers.
func (s *Server) Intercept(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Requests returns the methods and paths, with queries, of all requests, in order.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.RequestURI)
	intercept := s.intercept
	s.mu.Unlock()
	if intercept != nil {
		intercept(w, r)
		return
	}
	s.mu.Lock()
	code, answer := s.answer(r, body)
	text, _ := json.Marshal(answer) // under the lock: the next request may change the object
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(text)
}

// Status returns an answer that is not an object.
func Status(code int, message string) (status int, answer map[string]any) {
	return code, object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
}

func (s *Server) answer(r *http.Request, body []byte) (status int, answer object) {
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		return Status(http.StatusUnauthorized, "Unauthorized")
	}
	o := s.objects[r.URL.Path]
	if o == nil {
		return Status(http.StatusNotFound, r.URL.Path+" not found")
	}
	switch r.Method {
	case http.MethodGet:
		return http.StatusOK, o
	case http.MethodPatch:
		return s.patch(r, body)
	default:
		return Status(http.StatusMethodNotAllowed, "the server does not allow this method on the requested resource")
	}
}

func (s *Server) patch(r *http.Request, body []byte) (status int, answer object) {
	// The two differ in how they patch lists, and no patch here has any.
	if t := r.Header.Get("Content-Type"); t != api.StrategicMergePatch && t != api.MergePatch {
		return Status(http.StatusUnsupportedMediaType, "unknown content type "+t)
	}
	var p object
	if err := json.Unmarshal(body, &p); err != nil {
		return Status(http.StatusBadRequest, err.Error())
	}
	path := r.URL.Path
	if m, ok := p["metadata"].(object); ok && m["resourceVersion"] != nil {
		if m["resourceVersion"] != child(s.objects[path], "metadata")["resourceVersion"] {
			return Status(http.StatusConflict, "the object has been modified; please apply your changes to the latest version and try again")
		}
		delete(m, "resourceVersion")
	}
	after := s.patched(path, p)
	if r.URL.Query().Get("dryRun") == "All" {
		return http.StatusOK, after
	}
	s.put(path, after)
	return http.StatusOK, s.objects[path]
}

// patched returns an object after a merge patch (RFC 7396). A changed spec has a new generation.
func (s *Server) patched(path string, p object) object {
	before := s.objects[path]
	after := merge(before, p)
	if !reflect.DeepEqual(before["spec"], after["spec"]) {
		m := child(after, "metadata")
		generation, _ := m["generation"].(float64)
		m["generation"] = generation + 1
		if t := "template"; !reflect.DeepEqual(child(before, "spec")[t], child(after, "spec")[t]) {
			m["managedFields"] = []any{object{
				"manager": "test", "operation": "Update", "time": time.Now().UTC().Format(time.RFC3339),
				"fieldsV1": object{"f:spec": object{"f:template": object{}}},
			}}
		}
	}
	return after
}

// put stores an object under a new version, unless it has not changed.
func (s *Server) put(path string, o object) {
	if reflect.DeepEqual(s.objects[path], o) {
		return
	}
	s.version++
	child(o, "metadata")["resourceVersion"] = strconv.Itoa(s.version)
	s.objects[path] = o
}

func merge(into, p object) object {
	out := clone(into)
	for key, value := range p {
		sub, ok := value.(object)
		was, _ := out[key].(object)
		switch {
		case value == nil:
			delete(out, key)
		case ok:
			out[key] = merge(was, sub)
		default:
			out[key] = value
		}
	}
	return out
}

// clone copies maps all the way down.
func clone(o object) object {
	out := maps.Clone(o)
	if out == nil {
		out = object{}
	}
	for key, value := range out {
		if sub, ok := value.(object); ok {
			out[key] = clone(sub)
		}
	}
	return out
}

// child returns a map inside another one, which it makes if there is none.
func child(o object, key string) object {
	if c, ok := o[key].(object); ok {
		return c
	}
	c := object{}
	o[key] = c
	return c
}
