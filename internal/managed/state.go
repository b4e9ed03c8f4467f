package managed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/calendar"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// FileName is the name of the file in Options.Dir.
const FileName = "managed.db"

// format is the version of what the file holds. Version 1: the record meta, and a record target/NAME, overlay/NAME or channel/NAME
// for each of them, and the record apply as soon as channels were published, all of JSON.
const format = 1

// The keys of the records, and how those of many begin.
const (
	keyMeta    = "meta"
	keyTarget  = "target/"
	keyOverlay = "overlay/"
	keyChannel = "channel/"
	keyApply   = "apply"
)

// A meta is the record about all others.
type meta struct {
	Format int `json:"format"`
	// Revision is how many changes there were, and Targets that of the last one of a target.
	Revision uint64 `json:"revision"`
	Targets  uint64 `json:"targets"`
	// Channels is how many changes of channels there were, and ChannelsAt the revision of the last one.
	Channels   uint64 `json:"channels,omitempty"`
	ChannelsAt uint64 `json:"channels_at,omitempty"`
	// Audited is the revision up to which all changes are known to be in the audit log.
	Audited uint64 `json:"audited"`
}

// A storedTarget is the record of a target.
type storedTarget struct {
	Revision   uint64          `json:"revision"`
	Definition json.RawMessage `json:"definition"`
	Created    Stamp           `json:"created"`
	Updated    Stamp           `json:"updated"`
}

// A record is a target. It does not change.
type record struct {
	Target
	environment string
}

// An overlay is what people have said of one target, and its record. It does not change.
type overlay struct {
	Revision    uint64           `json:"revision"`
	Mute        *calendar.Period `json:"mute,omitempty"`
	Maintenance *calendar.Period `json:"maintenance,omitempty"`
	// SeenFailing says that the target has failed during the maintenance.
	SeenFailing bool `json:"seen_failing,omitempty"`
}

// period returns that of a kind, or nil.
func (o *overlay) period(k Kind) *calendar.Period {
	switch {
	case o == nil:
		return nil
	case k == Mute:
		return o.Mute
	default:
		return o.Maintenance
	}
}

// with returns the overlay with another period of a kind; nil leaves none.
func (o *overlay) with(k Kind, p *calendar.Period) *overlay {
	out := overlay{}
	if o != nil {
		out = *o
	}
	if k == Mute {
		out.Mute = p
	} else {
		out.Maintenance, out.SeenFailing = p, false
	}
	if out.Mute == nil && out.Maintenance == nil {
		return nil
	}
	return &out
}

// A state is all that is known at one moment. It does not change once it is published.
type state struct {
	meta
	targets  map[string]*record
	overlays map[string]*overlay
	channels channels
	size     int // bytes of the targets
	// names returns those of the targets, sorted.
	names func() []string
}

// changed is the revision of the last change of a target or a channel: that of a Document.
func (m *meta) changed() uint64 { return max(m.Targets, m.ChannelsAt) }

func newState(m meta, targets map[string]*record, overlays map[string]*overlay, all channels) *state {
	size := 0
	for _, t := range targets {
		size += t.size()
	}
	return &state{meta: m, targets: targets, overlays: overlays, channels: all, size: size, names: sync.OnceValue(func() []string {
		return slices.Sorted(maps.Keys(targets))
	})}
}

var emptyState = newState(meta{Format: format}, map[string]*record{}, map[string]*overlay{}, channels{})

// errUnread ends the text about a record that cannot be read.
var errUnread = errors.New("use the version of the exporter that wrote it, or move the file away to start without what people have edited")

// readState reads all records. An error says what is wrong; what is left out could be what people rely on.
func readState(records map[string][]byte) (*state, error) {
	if len(records) == 0 {
		return emptyState, nil
	}
	var version struct{ Format int }
	if err := json.Unmarshal(records[keyMeta], &version); err != nil || version.Format < 1 {
		return nil, fmt.Errorf("it has no format version: %w", errUnread)
	}
	if version.Format > format {
		return nil, fmt.Errorf("it has format %d, want %d: %w", version.Format, format, errUnread)
	}
	var m meta
	targets, overlays, all := map[string]*record{}, map[string]*overlay{}, channels{byName: map[string]*channel{}}
	for key, text := range records {
		var err error
		slash := strings.Index(key, "/") + 1
		switch kind, name := key[:slash], key[slash:]; {
		case key == keyMeta:
			err = strictly(text, &m)
		case key == keyApply:
			all.apply, err = readApply(text)
		case kind == keyTarget:
			targets[name], err = readTarget(name, text)
		case kind == keyChannel:
			all.byName[name], err = readChannel(name, text)
		case kind == keyOverlay:
			overlays[name], err = readOverlay(text)
		default:
			err = errors.New("not known")
		}
		if err != nil {
			return nil, fmt.Errorf("the record %q cannot be read: %w", printable.Text(key, printable.MaxLog), errUnread)
		}
	}
	return newState(m, targets, overlays, all), nil
}

// describe adds the path to what is wrong with the file.
func describe(path string, err error) error {
	return fmt.Errorf("opening %q: %w; it was not changed", path, err)
}

func readOverlay(text []byte) (*overlay, error) {
	var o overlay
	err := strictly(text, &o)
	return &o, err
}

func readTarget(name string, text []byte) (*record, error) {
	var t storedTarget
	if err := strictly(text, &t); err != nil {
		return nil, err
	}
	fields, problems := ReadObject(t.Definition, false)
	if len(problems) > 0 {
		return nil, errors.New(problems[0].Detail)
	}
	return &record{
		Target:      Target{Name: name, Revision: t.Revision, Definition: Encode(fields), Created: t.Created, Updated: t.Updated},
		environment: environmentOf(fields),
	}, nil
}

// strictly decodes a record. A member that is not known is an error.
func strictly(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// size is how many bytes an export has of a target.
func (r *record) size() int { return len(r.Name) + len(r.Definition) }

// text is the record of a target.
func (r *record) text() []byte {
	return Encode(storedTarget{Revision: r.Revision, Definition: r.Definition, Created: r.Created, Updated: r.Updated})
}
