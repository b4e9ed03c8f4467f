// Package lease makes one of several exporters the one that acts: the holder of a Lease of Kubernetes.
//
// No clock is compared with another. The holder acts for some time after it began to ask for the last renewal that was granted.
// The others wait for a longer time after they last saw the Lease change, and only then take it. Each of them measures time
// that passes.
package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// Config says which Lease.
type Config struct {
	// Namespace and Name are those of the Lease, which has to exist.
	Namespace, Name string
	// Kubeconfig and Context are those of api.Config. Empty: the cluster in which the exporter runs.
	Kubeconfig, Context string
}

// The times of an election, which are those of Kubernetes' own controllers.
const (
	duration = 15 * time.Second // how long the others wait after they last saw the Lease change
	deadline = 10 * time.Second // how long the holder acts without a renewal
	retry    = 2 * time.Second  // the pause between two requests
	timeout  = 4 * time.Second  // of one request, so that two fit into the deadline
)

// A client sends requests to the API server; *api.Client is one.
type client interface {
	Do(ctx context.Context, r api.Request, out any) error
}

// An Elector takes part in an election. It is a restart.Elector.
type Elector struct {
	cfg    Config
	file   [sha256.Size]byte // hash of the kubeconfig
	client client
	me     string // unique

	// The following belong to Run.
	seen   record    // the Lease as it was last seen
	seenAt time.Time // when it was first seen like that

	mu      sync.Mutex // protects the following
	renewed time.Time  // when the last granted request began; zero: we do not hold the Lease
	leads   time.Time  // since when nobody else has held the Lease; zero: we do not hold it
	standby string     // why we do not lead
}

// New makes an elector from a checked configuration. It sends nothing before Run.
func New(cfg Config) (*Elector, error) {
	c, err := api.New(api.Config{Kubeconfig: cfg.Kubeconfig, Context: cfg.Context})
	if err != nil {
		return nil, err
	}
	e := newElector(cfg, c)
	if cfg.Kubeconfig != "" {
		text, err := os.ReadFile(cfg.Kubeconfig)
		if err != nil {
			return nil, fmt.Errorf("reading the kubeconfig: %w", err)
		}
		e.file = sha256.Sum256(text)
	}
	return e, nil
}

func newElector(cfg Config, c client) *Elector {
	host, err := os.Hostname() // in a pod, its name
	if err != nil {
		host = "exporter"
	}
	return &Elector{cfg: cfg, client: c, me: host + "_" + rand.Text(), standby: "the election has not begun"}
}

// Key implements restart.Elector. Other credentials are a reason to begin anew.
func (e *Elector) Key() string { return fmt.Sprintf("%q %x", e.cfg, e.file) }

// Standing implements restart.Elector. It is a matter of time alone: who cannot renew stops in time, whatever keeps it
// from noticing.
func (e *Elector) Standing(now time.Time) policy.Leadership {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.renewed.IsZero():
		return policy.Leadership{Standby: e.standby}
	case now.Sub(e.renewed) >= deadline:
		return policy.Leadership{Standby: cmp.Or(e.standby, "the Lease was not renewed in time")}
	default:
		return policy.Leadership{Elected: true, For: now.Sub(e.leads)}
	}
}

// Run implements restart.Elector.
func (e *Elector) Run(ctx context.Context, log *slog.Logger) {
	defer e.release(ctx)
	led := false
	for {
		err := e.try(ctx)
		standing := e.Standing(time.Now())
		switch {
		case standing.Elected && !led:
			log.Info("This exporter leads", "lease", e.name(), "identity", e.me)
		case !standing.Elected && led:
			log.Warn("This exporter no longer leads", "lease", e.name(), "why", standing.Standby)
		case err != nil && ctx.Err() == nil:
			log.Debug("Asking for the lease failed", "lease", e.name(), "err", err)
		}
		led = standing.Elected
		select {
		case <-ctx.Done():
			return
		case <-time.After(retry):
		}
	}
}

// A record is what a Lease says (coordination.k8s.io/v1).
type record struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Spec struct {
		HolderIdentity       string `json:"holderIdentity"`
		LeaseDurationSeconds int64  `json:"leaseDurationSeconds"`
		LeaseTransitions     int64  `json:"leaseTransitions"`
	} `json:"spec"`
}

// expires returns how long after its last change somebody else may take the Lease. It is never less than duration: the holder
// counts on that, whatever somebody has written into the Lease.
func (r *record) expires() time.Duration {
	if r.Spec.HolderIdentity == "" {
		return 0
	}
	return max(duration, time.Duration(r.Spec.LeaseDurationSeconds)*time.Second)
}

// try renews the Lease, or takes it if nobody has it.
func (e *Elector) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if e.seen.Spec.HolderIdentity == e.me {
		err := e.write(ctx, e.me)
		if !conflict(err) {
			return e.noted(err)
		}
	}
	var now record
	if err := e.client.Do(ctx, api.Request{Method: http.MethodGet, Path: e.path()}, &now); err != nil {
		return e.noted(err)
	}
	if now != e.seen || e.seenAt.IsZero() {
		e.seen, e.seenAt = now, time.Now()
	}
	if holder := e.seen.Spec.HolderIdentity; holder != e.me {
		e.lost(cmp.Or(holder, "nobody") + " leads") // even if we are about to take it: we do not know who held it meanwhile
		if time.Since(e.seenAt) < e.seen.expires() {
			return nil
		}
	}
	err := e.write(ctx, e.me)
	if conflict(err) {
		e.lost("another exporter was faster")
		return nil
	}
	return e.noted(err)
}

// write makes somebody the holder, or nobody if the name is empty, if the Lease is still as it was last seen.
func (e *Elector) write(ctx context.Context, holder string) error {
	began := time.Now()
	stamp := began.UTC().Format("2006-01-02T15:04:05.000000Z07:00") // for people
	spec := map[string]any{"holderIdentity": holder, "renewTime": stamp, "leaseDurationSeconds": int64(duration / time.Second)}
	if holder != "" && holder != e.seen.Spec.HolderIdentity {
		spec["acquireTime"], spec["leaseTransitions"] = stamp, e.seen.Spec.LeaseTransitions+1
	}
	var after record
	err := e.client.Do(ctx, api.Request{
		Method: http.MethodPatch, Path: e.path(), ContentType: api.MergePatch,
		Body: map[string]any{"metadata": map[string]any{"resourceVersion": e.seen.Metadata.ResourceVersion}, "spec": spec},
	}, &after)
	if err != nil {
		return err
	}
	e.seen, e.seenAt = after, time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if holder == "" {
		return nil
	}
	if e.leads.IsZero() {
		e.leads = time.Now()
	}
	e.renewed, e.standby = began, ""
	return nil
}

// lost notes that somebody else has the Lease.
func (e *Elector) lost(why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.renewed, e.leads, e.standby = time.Time{}, time.Time{}, why
}

// noted keeps why a request failed. A holder goes on until the deadline.
func (e *Elector) noted(err error) error {
	if err == nil {
		return nil
	}
	err = e.explained(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.standby = "asking for the Lease " + e.name() + ": " + err.Error()
	return err
}

// release gives up the Lease, so that the others need not wait until it expires. From before that on we do not act any more.
func (e *Elector) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	e.lost("the election is over")
	if e.seen.Spec.HolderIdentity == e.me {
		_ = e.write(ctx, "") // otherwise it expires
	}
}

func conflict(err error) bool { return once.Answered(err, http.StatusConflict) }

// explained adds to an answer what to do about it.
func (e *Elector) explained(err error) error {
	switch {
	case once.Answered(err, http.StatusForbidden):
		return fmt.Errorf("%w; want a Role with get and patch on leases %q, see examples/kubernetes/restart-rbac.yaml", err, e.cfg.Name)
	case once.Answered(err, http.StatusNotFound):
		return fmt.Errorf("%w; want one that exists, see examples/kubernetes/restart-rbac.yaml", err)
	default:
		return err
	}
}

func (e *Elector) path() string {
	return "/apis/coordination.k8s.io/v1/namespaces/" + e.cfg.Namespace + "/leases/" + e.cfg.Name
}

func (e *Elector) name() string { return e.cfg.Namespace + "/" + e.cfg.Name }
