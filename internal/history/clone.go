package history

import (
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// clone returns a copy of r that shares nothing that may change. A test looks for fields it forgot.
func clone(r prober.Result) prober.Result {
	r.Phases = slices.Clone(r.Phases)
	r.Events = slices.Clone(r.Events)
	for i := range r.Events {
		r.Events[i].Attrs = slices.Clone(r.Events[i].Attrs)
	}
	r.Resolve = clonePointer(r.Resolve)
	r.HTTP = clonePointer(r.HTTP)
	if r.WebSocket = clonePointer(r.WebSocket); r.WebSocket != nil {
		r.WebSocket.Messages = slices.Clone(r.WebSocket.Messages)
	}
	if r.TLS = clonePointer(r.TLS); r.TLS != nil {
		if r.TLS.Certificates = clonePointer(r.TLS.Certificates); r.TLS.Certificates != nil {
			r.TLS.Certificates.Presented = slices.Clone(r.TLS.Certificates.Presented)
		}
	}
	return r
}

// clonePointer returns a pointer to a shallow copy of *p, or nil.
func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}
