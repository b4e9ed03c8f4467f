package channels

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A Silence is one of Alertmanager that is in force.
type Silence struct {
	ID        string    `json:"id"`
	CreatedBy string    `json:"created_by"`
	Comment   string    `json:"comment"`
	StartsAt  time.Time `json:"starts_at"`
	EndsAt    time.Time `json:"ends_at"`
}

// The times of Silences.
const (
	silencesEvery = 30 * time.Second // the least time from the beginning of one read to that of the next
	silencesLast  = 2 * time.Minute  // how long they are told after they were read; longer, since reads may fail
	silencesTime  = 10 * time.Second // how long one read may take
)

// The limits of silences. One that has more is not told.
const (
	maxSilences           = 1000 // those that end last
	maxSilenceMatchers    = 100
	maxSilenceExpressions = 256 << 10 // bytes, of all of them: what is compiled takes far more
)

// Silences are those of Alertmanager, read while somebody looks. Make them with NewSilences, and close them at the end.
type Silences struct {
	read  func(ctx context.Context) ([]alertconf.Silence, error)
	reads sync.WaitGroup // at most one

	mu     sync.Mutex // protects the following
	known  []silence  // sorted by their end
	at     time.Time  // when they were read
	began  time.Time  // when the last read began
	cancel func()     // ends the read under way; nil: there is none
	closed bool
}

type silence struct {
	Silence

	matchers []alertconf.Matcher
}

// NewSilences makes Silences that are read by a function, which returns those in force.
func NewSilences(read func(ctx context.Context) ([]alertconf.Silence, error)) *Silences {
	return &Silences{read: read}
}

// For are the silences that an alert with these labels has now, the first to end first. They were read 30 s ago at most while somebody
// looks all the time. It does not wait: who looks for the first time sees none.
func (s *Silences) For(labels map[string]string) []Silence {
	now := time.Now()
	s.mu.Lock()
	s.refresh(now)
	known := s.known
	if now.Sub(s.at) > silencesLast {
		known, s.known = nil, nil
	}
	s.mu.Unlock()
	var found []Silence
	for i := range known {
		if known[i].EndsAt.After(now) && known[i].selects(labels) {
			found = append(found, known[i].Silence)
		}
	}
	return found
}

// refresh begins a read if it is time. The caller holds mu.
func (s *Silences) refresh(now time.Time) {
	if s.closed || s.cancel != nil || !s.began.IsZero() && now.Sub(s.began) < silencesEvery {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), silencesTime)
	s.cancel, s.began = cancel, now
	s.reads.Go(func() {
		defer cancel()
		read, err := s.read(ctx)
		known := kept(read)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cancel = nil
		if err == nil { // otherwise those before last for a while
			s.known, s.at = known, time.Now()
		}
	})
}

// Close ends what goes on in the background.
func (s *Silences) Close() {
	s.mu.Lock()
	s.closed = true
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	s.reads.Wait()
}

// kept are the silences that are kept of those that were read.
func kept(read []alertconf.Silence) []silence {
	byEnd := func(a, b alertconf.Silence) int { return cmp.Or(a.EndsAt.Compare(b.EndsAt), cmp.Compare(a.ID, b.ID)) }
	read = slices.SortedFunc(slices.Values(read), byEnd)
	read = read[max(len(read)-maxSilences, 0):]
	var all []silence
	left := maxSilenceExpressions
	for i := range read {
		from := &read[i]
		one := silence{Silence: Silence{
			ID: printable.Line(from.ID, printable.MaxLog), CreatedBy: printable.Line(from.CreatedBy, printable.MaxLog),
			Comment:  printable.Line(from.Comment, printable.MaxError),
			StartsAt: from.StartsAt.UTC(), EndsAt: from.EndsAt.UTC(),
		}}
		if one.compile(from.Matchers, &left) {
			all = append(all, one)
		}
	}
	return all
}

// compile takes matchers, and reports whether it understands all of them and has the bytes left for their expressions. One without any
// silences nothing.
func (s *silence) compile(matchers []alertconf.SilenceMatcher, left *int) bool {
	if len(matchers) > maxSilenceMatchers {
		return false
	}
	for _, m := range matchers {
		if m.IsRegex {
			*left -= len(m.Value)
		}
		if *left < 0 {
			return false
		}
		made, err := m.Matcher()
		if err != nil {
			return false
		}
		s.matchers = append(s.matchers, made)
	}
	return len(s.matchers) > 0
}

func (s *silence) selects(labels map[string]string) bool {
	for i := range s.matchers {
		if !s.matchers[i].Selects(labels) {
			return false
		}
	}
	return true
}
