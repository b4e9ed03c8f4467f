package status

import (
	"container/list"

	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// How much is kept of the last failures: of so many targets, with so many events each, in so many bytes.
const (
	maxFailures      = 1000
	maxFailureEvents = 64
	failuresBudget   = 4 << 20
)

// failures are the last failed probes of targets. Where they take too much the one goes that is oldest.
type failures struct {
	order list.List // of *failure, the newest first
	of    map[string]*list.Element
	bytes int
}

func newFailures() failures { return failures{of: map[string]*list.Element{}} }

type failure struct {
	target string
	result prober.Result
}

func (f *failure) size() int { return len(f.target) + f.result.Size() }

// keep takes over a Result, which nobody changes any more.
func (f *failures) keep(target string, r prober.Result) {
	f.drop(target)
	if len(r.Events) > maxFailureEvents {
		r.Events = append([]prober.Event(nil), r.Events[:maxFailureEvents]...)
	}
	kept := &failure{target, r}
	f.of[target] = f.order.PushFront(kept)
	f.bytes += kept.size()
	for f.order.Len() > 1 && (f.order.Len() > maxFailures || f.bytes > failuresBudget) {
		f.drop(f.order.Back().Value.(*failure).target) //nolint:forcetypeassert // there is nothing else in it
	}
}

func (f *failures) drop(target string) {
	if e, ok := f.of[target]; ok {
		f.bytes -= f.order.Remove(e).(*failure).size() //nolint:forcetypeassert // there is nothing else in it
		delete(f.of, target)
	}
}

func (f *failures) get(target string) (prober.Result, bool) {
	e, ok := f.of[target]
	if !ok {
		return prober.Result{}, false
	}
	return e.Value.(*failure).result, true //nolint:forcetypeassert // there is nothing else in it
}
