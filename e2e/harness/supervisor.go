package harness

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A supervisor runs apps. Like a service manager it restarts one on request, which comes over HTTP.
type supervisor struct {
	http *http.Server
	url  string

	mu   sync.Mutex // protects the following
	apps map[string]*App
}

func startSupervisor(ctx context.Context) (*supervisor, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &supervisor{url: "http://" + listener.Addr().String(), apps: map[string]*App{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /restart/{app}", s.restart)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(listener) }() // ends with Close
	return s, nil
}

// Close ends the supervisor and its apps.
func (s *supervisor) Close() error {
	err := s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.apps {
		a.kill()
	}
	return err
}

func (s *supervisor) restart(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	app := s.apps[r.PathValue("app")]
	s.mu.Unlock()
	if app == nil {
		http.NotFound(w, r)
		return
	}
	if err := app.restart(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// An AppSpec describes an app.
type AppSpec struct {
	Name string
	// HealthPath is the path at which the app answers. The check always asks for /health. Empty: /health.
	HealthPath string
	// Target and Service are lines of YAML that are added to the configuration of the exporter: to the target, indented by 4, and
	// to the service that may be restarted, indented by 6.
	Target, Service string
}

// An App is a running demo app.
type App struct {
	// Name is also the name of the service in the configuration of the exporter.
	Name string
	// Target is the label instance: the checked URL with its secrets masked. It has an ampersand, because that is easily escaped
	// wrongly on the way to Slack.
	Target  string
	check   string // the same, unmasked
	address string
	spec    AppSpec
	run     func() (*process, error)

	mu       sync.Mutex // protects the following
	process  *process
	restarts []time.Time
}

// add starts an app that runs until the supervisor is closed or ctx ends.
func (s *supervisor) add(ctx context.Context, dir, binary string, spec AppSpec) (*App, error) {
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	argv := []string{binary, "-listen=" + address}
	if spec.HealthPath != "" {
		argv = append(argv, "-health-path="+spec.HealthPath)
	}
	a := &App{Name: spec.Name, address: address, spec: spec}
	a.check = a.url("/health?app=" + spec.Name + "&deep=1")
	a.Target = a.url("/health?app=***&deep=***")
	a.run = func() (*process, error) { return start(ctx, dir, "app-"+spec.Name, argv...) }
	s.mu.Lock()
	s.apps[spec.Name] = a
	s.mu.Unlock()
	err = a.start(ctx)
	return a, err
}

// url is that of a path with its query.
func (a *App) url(path string) string { return "http://" + a.address + path }

// start runs the process and waits until it listens.
func (a *App) start(ctx context.Context) error {
	p, err := a.begin()
	if err != nil {
		return err
	}
	err = Until(ctx, startTime, "the app "+a.Name+" listens", func(ctx context.Context) (bool, error) {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", a.address)
		if err != nil {
			return false, p.running()
		}
		return true, connection.Close()
	})
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, tail(p.log))
	}
	return err
}

// begin kills the process, if there is one, and starts another one.
func (a *App) begin() (*process, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != nil {
		a.process.Kill()
	}
	p, err := a.run()
	if err == nil {
		a.process = p
	}
	return p, err
}

// restart does not wait until the new process listens.
func (a *App) restart() error {
	a.mu.Lock()
	a.restarts = append(a.restarts, time.Now())
	a.mu.Unlock()
	_, err := a.begin()
	return err
}

// Heal restarts the app, like a person who does not wait for the exporter. When it returns the app is well.
func (a *App) Heal(ctx context.Context) error { return a.start(ctx) }

func (a *App) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != nil {
		a.process.Kill()
	}
}

// Restarts returns the times at which the app was restarted.
func (a *App) Restarts() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.restarts)
}

// The ways to break an app.
const (
	BreakStatus = "status" // answers 503
	BreakHang   = "hang"   // never answers
	BreakCrash  = "crash"  // is gone
)

// Link is Target as a URL that can be opened.
func (a *App) Link() string { return a.check }

// Break makes the app fail its check until it is restarted. It returns when that began.
func (a *App) Break(ctx context.Context, how string) (time.Time, error) {
	if how == BreakCrash {
		a.kill()
		return time.Now(), nil
	}
	if err := post(ctx, a.url("/break/"+how)); err != nil {
		return time.Time{}, fmt.Errorf("breaking %s: %w", a.Name, err)
	}
	return time.Now(), nil
}
