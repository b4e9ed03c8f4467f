package app

import (
	"log/slog"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/loglimit"
)

// A refusal is why a request was refused, from a closed list.
type refusal string

// The closed list of refusals. What is wrong with a query of /probe is counted by collector.Rejection.
const (
	refusedOperator  refusal = "operator"
	refusedDelivery  refusal = "delivery"
	refusedCrossSite refusal = "cross_site"
	refusedBody      refusal = "body"
	refusedPublic    refusal = "public"
	refusedAccess    refusal = "access"
)

func refusals() []refusal {
	return []refusal{refusedOperator, refusedDelivery, refusedCrossSite, refusedBody, refusedPublic, refusedAccess}
}

// limits are what bounds those who send requests, whoever they are.
type limits struct {
	log         *slog.Logger // for what a request causes: at most a line a second for each message
	connections *connections
	byURL       chan struct{} // see collector.Handler
}

func newLimits(log *slog.Logger, m *metrics) *limits {
	return &limits{log: slog.New(loglimit.New(log.Handler())), connections: newConnections(maxFiles(), m), byURL: byURL(maxFiles())}
}
