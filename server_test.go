package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/cli"
)

// A server is an exporter that a script has started.
type server struct {
	cmd  *exec.Cmd
	log  lockedBuffer // its standard error
	done chan struct{}
	err  error // of Wait; valid once done is closed
}

type (
	serverKey struct{}
	asyncKey  struct{}
)

func serverOf(ts *testscript.TestScript) *server {
	current, ok := ts.Value(serverKey{}).(*atomic.Pointer[server])
	if !ok || current.Load() == nil {
		ts.Fatalf("no server was started")
	}
	return current.Load()
}

// A lockedBuffer can be read while a process writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// listening is the line of the toolkit with the address, as logfmt or JSON.
var listening = regexp.MustCompile(`(?m)^.*Listening on.*$`)

var address = regexp.MustCompile(`address"?[=:]"?([0-9.]+:\d+)`)

// start starts the exporter on a free port and waits until it listens. $ADDR is its address, $URL its URL. If a script starts
// another one, all commands talk to that one from then on. Both run until the end of the script.
func start(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg, "start [flags...]")
	current, ok := ts.Value(serverKey{}).(*atomic.Pointer[server])
	if !ok {
		ts.Fatalf("setup has not run")
	}
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--web.listen-address") }) {
		args = append([]string{"--web.listen-address=127.0.0.1:0"}, args...)
	}
	s := &server{cmd: exec.Command(cli.Name, args...), done: make(chan struct{})} //nolint:noctx // It is stopped by Defer.
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = append(os.Environ(), "NO_PROXY=*")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	ts.Check(s.cmd.Start())
	current.Store(s)
	go func() {
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	ts.Defer(func() {
		_ = s.cmd.Process.Kill() // fails if it has exited
		<-s.done
		ts.Logf("[server log]\n%s", s.log.String())
	})
	wait(ts, "the server to listen", func() bool {
		select {
		case <-s.done:
			ts.Fatalf("the server has exited: %v\n%s", s.err, s.log.String())
		default:
		}
		m := address.FindStringSubmatch(listening.FindString(s.log.String()))
		if m == nil {
			return false
		}
		scheme := "http://"
		if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "web.config.file=tls") }) {
			scheme = "https://"
		}
		ts.Setenv("ADDR", m[1])
		ts.Setenv("URL", scheme+m[1])
		return true
	})
}

// wait polls until ok.
func wait(ts *testscript.TestScript, what string, ok func() bool) {
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %s for %s", patience, what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// sendSignal sends TERM, INT, HUP or KILL to the server.
func sendSignal(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, len(args) == 1, "signal TERM|INT|HUP|KILL")
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "HUP": syscall.SIGHUP, "KILL": os.Kill}
	ts.Check(serverOf(ts).cmd.Process.Signal(signals[args[0]]))
}

// exited waits for the server to end and checks its exit status, or that a signal ended it.
func exited(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, !neg && len(args) == 1, "exited STATUS|signal")
	s := serverOf(ts)
	select {
	case <-s.done:
	case <-time.After(patience):
		ts.Fatalf("the server has not ended after %s", patience)
	}
	got := strconv.Itoa(s.cmd.ProcessState.ExitCode())
	if got == "-1" {
		got = "signal"
	}
	if got != args[0] {
		ts.Fatalf("the server ended with %s (%v), want %s\n%s", got, s.err, args[0], s.log.String())
	}
}

// The log command waits for a line in the log of the server, or checks that the log has no such line now.
func grepLog(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("log", flag.ContinueOnError)
	count := flags.Int("count", 0, "exact number of lines")
	ts.Check(flags.Parse(args))
	need(ts, flags.NArg() == 1, "[!] log [-count=n] regexp")
	re := regexp.MustCompile("(?m)" + flags.Arg(0))
	matches := func() int { return len(re.FindAllString(serverOf(ts).log.String(), -1)) }
	if neg {
		if n := matches(); n > 0 {
			ts.Fatalf("log has %d lines with %q, want none\n%s", n, flags.Arg(0), serverOf(ts).log.String())
		}
		return
	}
	wait(ts, "the log to have "+flags.Arg(0), func() bool { return matches() >= max(*count, 1) })
	if n := matches(); *count > 0 && n != *count {
		ts.Fatalf("log has %d lines with %q, want %d\n%s", n, flags.Arg(0), *count, serverOf(ts).log.String())
	}
}

// A query is one request of a script.
type query struct {
	method, url string
	status      int
	header      http.Header
	user, ca    string
	body        *regexp.Regexp // nil: anything
	poll        bool           // ask again until status and body are as wanted
}

type answer struct {
	text string // header and body
	err  error
}

// parseQuery reads: [-H 'Name: value'] [-u user:password] [-ca file] [-until] METHOD URL STATUS [BODY-REGEXP].
func parseQuery(ts *testscript.TestScript, args []string) query {
	q := query{header: http.Header{}}
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	flags.Func("H", "header", func(s string) error {
		k, v, ok := strings.Cut(s, ": ")
		if !ok {
			return errors.New("want Name: value")
		}
		q.header.Add(k, v)
		return nil
	})
	flags.StringVar(&q.user, "u", "", "user:password")
	flags.StringVar(&q.ca, "ca", "", "PEM file")
	flags.BoolVar(&q.poll, "until", false, "ask again until the answer is as wanted")
	ts.Check(flags.Parse(args))
	need(ts, flags.NArg() == 3 || flags.NArg() == 4, "http [flags] METHOD URL STATUS [regexp]")
	q.method, q.url = flags.Arg(0), flags.Arg(1)
	var err error
	q.status, err = strconv.Atoi(flags.Arg(2))
	ts.Check(err)
	if flags.NArg() == 4 {
		q.body = regexp.MustCompile("(?m)" + flags.Arg(3))
	}
	if q.ca != "" {
		q.ca = ts.ReadFile(q.ca)
	}
	return q
}

// ask sends the query once. The error says what differs from what is wanted.
func (q query) ask() answer {
	transport := &http.Transport{DisableKeepAlives: true}
	if q.ca != "" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(q.ca))
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	client := &http.Client{Transport: transport, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	req, err := http.NewRequest(q.method, q.url, http.NoBody) //nolint:noctx // The client has a timeout.
	if err != nil {
		return answer{err: err}
	}
	req.Header = q.header.Clone()
	if user, password, ok := strings.Cut(q.user, ":"); ok {
		req.SetBasicAuth(user, password)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{err: err}
	}
	var header bytes.Buffer
	_ = resp.Header.Write(&header) // writing to a buffer does not fail
	a := answer{text: header.String() + "\n" + string(body)}
	switch {
	case resp.StatusCode != q.status:
		a.err = fmt.Errorf("%s %s answered %d, want %d\n%s", q.method, q.url, resp.StatusCode, q.status, a.text)
	case q.body != nil && !q.body.Match(body):
		a.err = fmt.Errorf("the body of %s does not match %q:\n%s", q.url, q.body, body)
	}
	return a
}

// request sends a query. Header and body of the answer become stdout.
func request(ts *testscript.TestScript, neg bool, args []string) {
	q := parseQuery(ts, args)
	need(ts, !neg, "http")
	a := q.ask()
	for deadline := time.Now().Add(patience); q.poll && a.err != nil && time.Now().Before(deadline); a = q.ask() {
		<-time.After(5 * time.Millisecond)
	}
	ts.Check(a.err)
	_, err := io.WriteString(ts.Stdout(), a.text)
	ts.Check(err)
}

// async sends a request in the background; join waits for the answer.
func async(ts *testscript.TestScript, _ bool, args []string) {
	q := parseQuery(ts, args)
	answers, _ := ts.Value(asyncKey{}).(chan answer)
	go func() {
		a := q.ask()
		answers <- a
	}()
}

func join(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, len(args) == 0, "[!] join")
	answers, _ := ts.Value(asyncKey{}).(chan answer)
	select {
	case a := <-answers:
		if neg && a.err == nil {
			ts.Fatalf("the request succeeded unexpectedly:\n%s", a.text)
		} else if !neg {
			ts.Check(a.err)
		}
		_, err := io.WriteString(ts.Stdout(), a.text)
		ts.Check(err)
	case <-time.After(patience):
		ts.Fatalf("waited %s for the answer", patience)
	}
}

// occupy listens on a free port, $OCCUPIED, until the script ends.
func occupy(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is at once.
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv("OCCUPIED", l.Addr().String())
}
