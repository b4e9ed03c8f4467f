package managed

import (
	"fmt"
	"maps"
	"reflect"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// A supply keeps what Supplied has read, so that only what has changed is read again. The zero supply works.
type supply struct {
	mu     sync.Mutex // protects the following
	reader config.TargetReader
	read   map[string]supplied
}

// A supplied is a target as a reader reads it.
type supplied struct {
	record   *record
	target   *config.Target // nil: it cannot be read
	problems []error
}

// Supplied returns the targets as reader reads them, sorted by name. Where neither a target nor the reader has changed, it is
// the same pointer as before. What cannot be read is among the problems. An error says that nothing is known.
func (r *Registry) Supplied(reader config.TargetReader) (targets []*config.Target, problems []error, err error) {
	if err := r.Broken(); err != nil {
		return nil, nil, err
	}
	r.supply.mu.Lock()
	defer r.supply.mu.Unlock()
	s := r.state() // once locked, so that a later state is never followed by an earlier one
	same := sameReader(r.supply.reader, reader)
	read := make(map[string]supplied, len(s.targets))
	for _, name := range s.names() {
		rec := s.targets[name]
		before := r.supply.read[name]
		now := before
		if !same || before.record != rec {
			now = supplyOne(reader, rec)
			if before.target != nil && now.target != nil && config.Same(*before.target, *now.target) {
				now.target = before.target
			}
		}
		read[name] = now
		if now.target != nil {
			targets = append(targets, now.target)
		}
		problems = append(problems, now.problems...)
	}
	r.supply.reader, r.supply.read = reader, read
	return targets, problems, nil
}

func supplyOne(reader config.TargetReader, rec *record) supplied {
	t, wrong, dropped := read(reader, rec.Name, decodeObject(rec.Definition))
	out := supplied{record: rec}
	for _, p := range append(wrong, dropped...) {
		out.problems = append(out.problems, fmt.Errorf("%s: target %q: %s: %s",
			Source, printable.Text(rec.Name, printable.MaxLog), p.Path, printable.Text(p.Message, printable.MaxError)))
	}
	if len(wrong) == 0 {
		out.target = &t
	}
	return out
}

// sameReader reports whether two readers read the same. The modules of one configuration are one map.
func sameReader(a, b config.TargetReader) bool {
	if a.Module != b.Module || a.Offset != b.Offset || a.File != b.File || !maps.Equal(a.Foreign, b.Foreign) {
		return false
	}
	return reflect.ValueOf(a.Modules).Pointer() == reflect.ValueOf(b.Modules).Pointer() || config.Same(a.Modules, b.Modules)
}
