package restart

import (
	"sync"
	"time"
)

// A Journal keeps what must outlive the exporter. Its methods may be called at the same time.
type Journal interface {
	// Load returns the State that was last saved for a service; the zero State if there is none.
	Load(service string) (State, error)
	// Save makes s the State of a service. When it returns nil the State survives a crash of the machine; when it does not,
	// nobody knows which State is kept.
	Save(service string, s State) error
	// Audit appends a record to what people read.
	Audit(r Record) error
}

// A Record is one decision, or one change of state, with everything that led to it: Policy.Next of State, Event and
// Time is Decision and After.
type Record struct {
	Time     time.Time `json:"time"`
	Service  string    `json:"service"`
	Group    string    `json:"group,omitempty"`
	Backend  string    `json:"backend,omitempty"`
	From     Phase     `json:"from"`
	To       Phase     `json:"to"`
	Decision Decision  `json:"decision"`
	Event    Event     `json:"event"`
	Policy   Policy    `json:"policy"`
	State    State     `json:"state"`
	After    State     `json:"after"`
}

// Replay is what a policy, that of the record or another one, makes of what led to the record.
func (r *Record) Replay(p Policy) (State, Decision) {
	return p.Next(r.State, r.Event, r.Time)
}

// memory is a Journal that ends with the exporter.
type memory struct {
	mu     sync.Mutex // protects the following
	states map[string]State
}

// Load implements Journal.
func (m *memory) Load(service string) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.states[service], nil
}

// Save implements Journal.
func (m *memory) Save(service string, s State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states[service] = s
	return nil
}

// Audit implements Journal.
func (*memory) Audit(Record) error { return nil }
