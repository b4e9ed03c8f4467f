// Package prober probes one target once and says what it found.
//
// Everything flows one way: a [config.Module] becomes a [Prober], a [Request] goes in, a [Result] comes out. The
// package has no metrics and writes no logs. See [Result] for what is known of a probe, and package collector for
// metrics.
package prober

import (
	"fmt"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// DefaultTimeout bounds a probe for which neither the caller nor the module sets a time. It is the default
// scrape timeout of Prometheus.
const DefaultTimeout = 10 * time.Second

// New builds the prober that a checked module describes. What can be prepared once is prepared here, such as TLS
// certificates and proxies. The error names what the module asks for that cannot be had.
//
// The rules say which targets the prober may connect to. The zero [config.TargetRules] allows all but cloud metadata.
func New(m config.Module, rules config.TargetRules) (Prober, error) {
	var (
		p   Prober
		err error
	)
	switch m.Prober {
	case "http":
		p, err = newHTTP(m.HTTP, rules, m.CredentialsFor)
	case "websocket":
		p, err = newWebSocket(m.WebSocket, rules)
	default:
		err = fmt.Errorf("prober %q is not known, want http or websocket", m.Prober)
	}
	if err != nil {
		return nil, err
	}
	p = &retrying{
		prober:   p,
		attempts: max(m.Attempts, 1),
		delay:    time.Duration(m.RetryDelay),
		timeout:  m.TimeoutOr(DefaultTimeout),
	}
	if len(m.CredentialsFor) > 0 {
		p = &confined{prober: p, module: m}
	}
	return p, nil
}
