package policy

import (
	"net/http"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A reach is how far a probe that failed is known to have come.
type reach int

const (
	reachNone      reach = iota // nothing: the network may be down
	reachSomething              // something answers, which may be a proxy or the host before the service
	reachService                // the service itself answers
)

// A way is what a failure proves about the way to the service.
type way struct {
	reach reach
	// silent is true where no answer came, or not all of one. The network of the exporter may be the cause; see Sentinels.
	silent bool
}

// ways has what every failure proves. That of a status and of what a WebSocket says depends on more than the reason; see
// Evidence.way.
var ways = map[prober.Reason]way{
	prober.ReasonResolveNotFound:  {reachNone, true},
	prober.ReasonResolveFailed:    {reachNone, true},
	prober.ReasonConnectRefused:   {reachSomething, true},
	prober.ReasonConnectTimeout:   {reachNone, true},
	prober.ReasonConnectUnreach:   {reachNone, true},
	prober.ReasonProxy:            {reachNone, true},
	prober.ReasonTLSExpired:       {reachSomething, false},
	prober.ReasonTLSNotYetValid:   {reachSomething, false},
	prober.ReasonTLSUntrusted:     {reachSomething, false},
	prober.ReasonTLSHostname:      {reachSomething, false},
	prober.ReasonTLSFailed:        {reachSomething, true},
	prober.ReasonRequestTimeout:   {reachSomething, true},
	prober.ReasonTransferTimeout:  {reachSomething, true},
	prober.ReasonConnectionClosed: {reachSomething, true},
	prober.ReasonRedirectLimit:    {reachService, false},
	prober.ReasonHTTPVersion:      {reachService, false},
	prober.ReasonStatus:           {reachService, false},
	prober.ReasonHeader:           {reachService, false},
	prober.ReasonSSLForbidden:     {reachService, false},
	prober.ReasonSSLRequired:      {reachService, false},
	prober.ReasonTooLarge:         {reachService, false},
	prober.ReasonBody:             {reachService, false},
	prober.ReasonJSON:             {reachService, false},
	prober.ReasonWSHandshake:      {reachService, false},
	prober.ReasonWSSubprotocol:    {reachService, false},
	prober.ReasonWSMessage:        {reachService, false},
	prober.ReasonWSPongTimeout:    {reachSomething, true},
	prober.ReasonWSClosed:         {reachService, false},
	prober.ReasonTargetForbidden:  {reachNone, false}, // nothing was sent
	prober.ReasonLocalResource:    {reachNone, false},
	prober.ReasonInternal:         {reachNone, false},
}

// Unanswered reports whether no answer came, or not all of one: the network of the exporter may be the cause.
func (e *Evidence) Unanswered() bool { return e.way().silent }

// way is what the failure proves. Where something answers on a loopback address, no network can be the cause.
func (e *Evidence) way() way {
	w := e.wayOver()
	if e.Local && w.reach == reachSomething {
		w.reach = reachService
	}
	return w
}

// wayOver is what the failure proves if there is a network on the way.
func (e *Evidence) wayOver() way {
	w := ways[e.Reason]
	switch e.Reason { //nolint:exhaustive // the others prove the same each time
	case prober.ReasonStatus, prober.ReasonWSHandshake:
		switch e.StatusCode {
		case 0:
			return way{reachSomething, true}
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return way{reachSomething, false}
		}
	case prober.ReasonWSMessage:
		w.silent = e.TimedOut
	case prober.ReasonWSClosed:
		w.silent = e.CloseCode == closedAbnormally
	}
	return w
}
