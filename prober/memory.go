package prober

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// Bounds in bytes of the memory for bodies and messages of targets in this process, however many probes there are. A
// probe that needs more than is free waits for its turn until its time is up.
const (
	// Bounds bodies and messages that are read to be judged.
	maxKept = 48 << 20
	// Bounds what it takes to judge them as JSON.
	maxJudged = 64 << 20
	// How much each probe may keep without asking. Most answers are smaller.
	freeKept = 64 << 10
	// The same for judging.
	freeJudged = 256 << 10
)

// toKeep and toJudge are shared by all probes. A probe that keeps text may wait to judge it. A probe that judges waits
// for nothing.
var (
	toKeep  = newMemory("keep", maxKept)
	toJudge = newMemory("judge", maxJudged)
)

// A memory is a number of bytes that probes share.
type memory struct {
	verb    string // what it is for
	size    int64
	free    *semaphore.Weighted
	used    atomic.Int64
	waited  atomic.Uint64 // how often a probe had to wait
	refused atomic.Uint64 // how often it waited too long, or asked for more than there is
}

func newMemory(verb string, size int64) *memory {
	return &memory{verb: verb, size: size, free: semaphore.NewWeighted(size)}
}

// take takes n bytes until the function that it returns is called. It waits for them until ctx is done.
func (m *memory) take(ctx context.Context, n int64) (release func(), err error) {
	if n > m.size {
		m.refused.Add(1)
		return nil, &tooMuchError{m, n}
	}
	if !m.free.TryAcquire(n) {
		m.waited.Add(1)
		start := time.Now()
		if err := m.free.Acquire(ctx, n); err != nil {
			m.refused.Add(1)
			return nil, fmt.Errorf("%w: waited %s for memory to %s it, which all probes share: %s are in use, want %s of %s",
				errNoMemory, time.Since(start).Round(time.Millisecond), m.verb, mebibytes(m.used.Load()), mebibytes(n), mebibytes(m.size))
		}
	}
	m.used.Add(n)
	return func() {
		m.used.Add(-n)
		m.free.Release(n)
	}, nil
}

// errNoMemory says that there was no memory in time. The target is not to blame.
var errNoMemory = errors.New("too much at once")

// A tooMuchError is about an answer for which there is not enough memory, however long it waits.
type tooMuchError struct {
	memory *memory
	want   int64
}

func (e *tooMuchError) Error() string {
	return fmt.Sprintf("to %s it takes up to %s of memory, want %s at most", e.memory.verb, mebibytes(e.want), mebibytes(e.memory.size))
}

// takeToJudge takes the memory for evaluating expressions on a JSON document, one after the other. Its error is a failure of the
// phase.
func takeToJudge(ctx context.Context, phase PhaseName, text []byte, all ...*config.CEL) (release func(), err error) {
	cost := int64(0)
	for _, c := range all {
		if c != nil {
			cost = max(cost, c.Cost(text))
		}
	}
	if cost <= freeJudged {
		return func() {}, nil
	}
	release, err = toJudge.take(ctx, cost)
	switch _, tooMuch := errors.AsType[*tooMuchError](err); {
	case err == nil:
		return release, nil
	case tooMuch:
		return nil, failf(ReasonTooLarge, phase, "judging %d bytes of JSON: %w", len(text), err)
	default:
		return nil, failf(ReasonLocalResource, phase, "judging %d bytes of JSON: %w", len(text), err)
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// MemoryStats describe the memory that all probes share.
type MemoryStats struct {
	// Use is what the memory is for, "keep" or "judge".
	Use string
	// Used and Size are in bytes.
	Used, Size int64
	// Waited is how many bodies and messages had to wait for memory, and Refused how many of them did not get it.
	Waited, Refused uint64
}

// Memory is what bodies and messages take at present.
func Memory() []MemoryStats {
	all := make([]MemoryStats, 0, 2)
	for _, m := range []*memory{toKeep, toJudge} {
		all = append(all, MemoryStats{m.verb, m.used.Load(), m.size, m.waited.Load(), m.refused.Load()})
	}
	return all
}
