package status

import "github.com/healthcheck-exporter/healthcheck_exporter/prober"

// leastShare is how much of its own timeout a target must have had before its failure counts: one over this.
const leastShare = 2

// Conclusive reports whether a probe says something about the state of its target. It does if it succeeded. A failure
// does not if the caller gave the target less than half of its own timeout: anybody may call, and a healthy target
// cannot answer at once. Nor does it if the exporter lacked something of its own.
func (p *Probe) Conclusive() bool {
	switch {
	case p.Result.Success():
		return true
	case ours(p.Result.Reason):
		return false
	default:
		return p.Result.Timeout >= p.OwnTimeout/leastShare
	}
}

// ours reports whether the fault is the exporter's and not the target's.
func ours(r prober.Reason) bool {
	return r == prober.ReasonLocalResource || r == prober.ReasonInternal
}
