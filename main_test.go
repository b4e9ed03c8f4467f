package main

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/cli"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/probetest"
)

// patience is how long a script waits for something that should happen soon.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){cli.Name: main})
}

// TestScript runs the scripts of testdata/script against the real program. The README.md there lists their commands and variables
// in addition to those of testscript.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"json":      jsonField,
			"jsonlines": jsonLines,
			"start":     start,
			"signal":    sendSignal,
			"exited":    exited,
			"log":       grepLog,
			"copylog": func(ts *testscript.TestScript, _ bool, args []string) {
				need(ts, len(args) == 1, "copylog file")
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(serverOf(ts).log.String()), 0o600))
			},
			"http":   request,
			"async":  async,
			"join":   join,
			"write":  write,
			"occupy": occupy,
		},
	})
}

func need(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

// setup starts what every script may probe.
func setup(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return errors.New("testscript.T is not a testing.TB")
	}
	target := probetest.Serve(t, newTarget())
	ca := probetest.NewCA(t)
	cert := ca.Issue(t, probetest.Cert{CommonName: "script"})
	tlsTarget := probetest.TLSServer(t, cert, newTarget())
	env.Setenv("ALERTMANAGER", probetest.NewAlertmanager(t).URL)
	env.Setenv("TARGET", target.URL)
	env.Setenv("TARGET_ADDR", target.Addr)
	env.Setenv("TLS_TARGET", tlsTarget.URL)
	env.Setenv("COLUMNS", "100") // the width of --help
	env.Setenv("NO_PROXY", "*")
	certFile, keyFile := probetest.CertFiles(t, cert)
	for file, source := range map[string]string{"ca.pem": ca.File(), "cert.pem": certFile, "key.pem": keyFile} {
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if block, _ := pem.Decode(data); block == nil {
			return fmt.Errorf("%s is not a PEM file", source)
		}
		if err := os.WriteFile(filepath.Join(env.WorkDir, file), data, 0o600); err != nil {
			return err
		}
	}
	env.Values[serverKey{}] = new(atomic.Pointer[server])
	env.Values[asyncKey{}] = make(chan answer, 1)
	return nil
}

// newTarget returns a service to probe. Each of its paths behaves in another way.
func newTarget() http.Handler {
	var (
		hits    atomic.Int64
		held    atomic.Int64
		release = make(chan struct{})
		once    sync.Once
	)
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil {
			code = http.StatusBadRequest
		}
		w.WriteHeader(code)
	})
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, _ *http.Request) { // healthy at the third try
		if hits.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("/host", func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "app.example" {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
	})
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/health", http.StatusFound)
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) { // says what it hears
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		for err == nil {
			var kind int
			var text []byte
			if kind, text, err = c.ReadMessage(); err == nil {
				err = c.WriteMessage(kind, text)
			}
		}
		if c != nil {
			_ = c.Close()
		}
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	// /hold answers only after /release; /held says how many are waiting.
	mux.HandleFunc("/hold", func(_ http.ResponseWriter, r *http.Request) {
		held.Add(1)
		defer held.Add(-1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/held", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "held: %d\n", held.Load()) })
	mux.HandleFunc("/release", func(http.ResponseWriter, *http.Request) { once.Do(func() { close(release) }) })
	return mux
}

// exits runs a program and checks its exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg && len(args) >= 2, "exits status program [args...]")
	err := ts.Exec(args[1], args[2:]...)
	status := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if want := args[0]; strconv.Itoa(status) != want {
		ts.Fatalf("exit status %d, want %s\nstdout:\n%s\nstderr:\n%s", status, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// The json command checks that a field, such as a.0.b, of the JSON value in a file has a value, or is absent.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg && len(args) == 2 || !neg && len(args) == 3, "[!] json file path [regexp]")
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	var v any
	ts.Check(d.Decode(&v))
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		ts.Fatalf("%s has more than one JSON value: %v", args[0], err)
	}
	found := true
	for key := range strings.SplitSeq(args[1], ".") {
		switch parent := v.(type) {
		case map[string]any:
			v, found = parent[key]
		case []any:
			i, err := strconv.Atoi(key)
			if found = err == nil && i < len(parent); found {
				v = parent[i]
			}
		default:
			found = false
		}
		if !found {
			break
		}
	}
	switch {
	case found && neg:
		ts.Fatalf("%s is %v, want it absent", args[1], v)
	case neg:
		return
	case !found:
		ts.Fatalf("%s is missing", args[1])
	}
	if text := fmt.Sprint(v); !regexp.MustCompile(`^(?:` + args[2] + `)$`).MatchString(text) {
		ts.Fatalf("%s is %q, want %q", args[1], text, args[2])
	}
}

// jsonLines checks that every line of a file is a JSON object with these keys.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg && len(args) >= 2, "jsonlines file key...")
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			ts.Fatalf("line %q is not a JSON object: %v", line, err)
		}
		for _, key := range args[1:] {
			if _, ok := v[key]; !ok {
				ts.Fatalf("line %q has no %q", line, key)
			}
		}
	}
}

// write atomically replaces the contents of a file by those of another, as editors and Kubernetes do. No pattern of a
// configuration finds the new file before it is in its place.
func write(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 2, "write from to")
	tmp := filepath.Join(ts.Getenv("WORK"), ".tmp", "new")
	ts.Check(os.WriteFile(tmp, []byte(ts.ReadFile(args[0])), 0o600))
	ts.Check(os.Rename(tmp, ts.MkAbs(args[1])))
}
