package managed

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/audit"
)

// AuditName is the name of the audit log in Options.Dir.
const AuditName = "managed-audit"

// auditOptions bound the audit log to 32 MiB.
var auditOptions = audit.Options{Name: AuditName, MaxBytes: 8 << 20, MaxFiles: 4}

// The limits of the edits that Edits returns.
const (
	maxRemembered = 2000    // of everything together
	maxChange     = 2 << 10 // bytes of the change of one; a longer one is in the audit log alone
)

// An EntryKind is what an edit was about.
type EntryKind string

// The kinds of entries.
const (
	KindTarget      EntryKind = "target"
	KindImport      EntryKind = "import" // a target, with others
	KindMute                  = EntryKind(Mute)
	KindMaintenance           = EntryKind(Maintenance)
	KindChannel     EntryKind = "channel" // also one that was imported
)

// Recovered is the Action of an Entry that was lost in a crash and made up from what is kept.
const Recovered Action = "recovered"

// An Entry is a line of the audit log.
type Entry struct {
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Role     string    `json:"role,omitempty"`
	Addr     string    `json:"addr,omitempty"`
	Action   Action    `json:"action"`
	Kind     EntryKind `json:"kind,omitempty"`
	Name     string    `json:"name,omitempty"`
	Revision uint64    `json:"revision"`
	// Change is the merge patch (RFC 7396) that was made: of what was written of a target or a channel, or of a period. null: it was
	// removed.
	Change json.RawMessage `json:"change,omitempty"`
}

// A trail is the audit log and its last entries. The zero trail has no log.
type trail struct {
	dir string // empty: there is no log

	// The following belong to who leads the queue.
	log     *audit.Log
	audited uint64 // the revision up to which everything is in the log

	mu   sync.Mutex // protects the following
	last []Entry    // oldest first
}

// A line is what identifies an entry. Of one revision a target and a channel may have the same name.
type line struct {
	revision uint64
	name     string
	channel  bool
}

func lineOf(e *Entry) line { return line{e.Revision, e.Name, e.Kind == KindChannel} }

// open opens the log, and adds what was lost between the save of s and the log.
func (t *trail) open(s *state) error {
	t.audited = s.Audited
	if t.dir == "" {
		return nil
	}
	written := map[line]bool{}
	_, err := audit.Read(t.dir, AuditName, func(l audit.Line) error {
		var e Entry
		if json.Unmarshal(l.JSON, &e) == nil && e.Revision > 0 {
			t.remember(e)
			if e.Revision > s.Audited {
				written[lineOf(&e)] = true
				written[line{revision: e.Revision}] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.write(lost(s, written), s.Revision); err != nil {
		return err
	}
	t.audited = s.Revision
	return nil
}

// lost are the entries of s that were not written, made up from what is kept.
func lost(s *state, written map[line]bool) (entries []Entry) {
	add := func(e Entry) {
		if e.Revision > s.Audited && !written[lineOf(&e)] {
			e.Action = Recovered
			entries = append(entries, e)
		}
	}
	for name, t := range s.targets {
		add(Entry{At: t.Updated.At, Who: t.Updated.By, Kind: KindTarget, Name: name, Revision: t.Revision, Change: t.Definition})
	}
	for name, o := range s.overlays {
		for _, k := range []Kind{Mute, Maintenance} {
			if p := o.period(k); p != nil {
				add(Entry{At: p.Start, Who: p.By, Kind: EntryKind(k), Name: name, Revision: o.Revision, Change: Encode(p)})
			}
		}
	}
	for _, c := range s.channels.byName {
		add(Entry{At: c.Updated.At, Who: c.Updated.By, Kind: KindChannel, Name: c.Name, Revision: c.edit, Change: c.Definition})
	}
	for _, e := range entries {
		written[line{revision: e.Revision}] = true
	}
	now := time.Now().UTC()
	for n := s.Revision; n > s.Audited && len(entries) < maxRemembered; n-- {
		add(Entry{At: now, Revision: n}) // it removed something, or a later one has changed the same again
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	return entries
}

// write appends entries to the log. All up to revision is in it then, if that was so before.
func (t *trail) write(entries []Entry, revision uint64) error {
	for _, e := range entries {
		t.remember(e)
	}
	if t.dir == "" {
		t.audited = revision
		return nil
	}
	if t.log == nil {
		log, err := audit.Open(t.dir, auditOptions)
		if err != nil {
			return err
		}
		t.log = log
	}
	records := make([]any, len(entries))
	whole := len(entries) == 0 || t.audited+1 >= entries[0].Revision
	for i, e := range entries {
		records[i] = e
	}
	if _, err := t.log.AppendAll(records); err != nil {
		return err
	}
	if whole {
		t.audited = revision
	}
	return nil
}

// remember keeps an entry for Edits.
func (t *trail) remember(e Entry) {
	if len(e.Change) > maxChange {
		e.Change = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) >= 2*maxRemembered {
		t.last = slices.Clone(t.last[len(t.last)-maxRemembered:])
	}
	t.last = append(t.last, e)
}

func (t *trail) close() error {
	if t.log == nil {
		return nil
	}
	err := t.log.Close()
	t.log = nil
	return err
}

// Edits returns the last edits of a target, the newest first: of the last 2,000 of all targets and channels together.
func (r *Registry) Edits(name string, limit int) []Entry { return r.edits(name, false, limit) }

// ChannelEdits is Edits for a channel.
func (r *Registry) ChannelEdits(name string, limit int) []Entry { return r.edits(name, true, limit) }

func (r *Registry) edits(name string, ofChannel bool, limit int) []Entry {
	t := &r.trail
	t.mu.Lock()
	defer t.mu.Unlock()
	var edits []Entry
	last := t.last[max(len(t.last)-maxRemembered, 0):]
	for i := len(last) - 1; i >= 0 && len(edits) < limit; i-- {
		if last[i].Name == name && (last[i].Kind == KindChannel) == ofChannel {
			edits = append(edits, last[i])
		}
	}
	return edits
}
