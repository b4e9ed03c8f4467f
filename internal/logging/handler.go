package logging

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	kitlog "github.com/go-kit/log"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The keys of every line.
const (
	keyTime    = "ts"
	keyLevel   = "level"
	keyMessage = "msg"
)

// The time stamp of a line; the zone is written as Z because the time is in UTC.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// A Handler is a slog.Handler that writes lines with go-kit/log. It is made by NewHandler and safe for
// concurrent use.
type Handler struct {
	level  slog.Leveler
	logger kitlog.Logger
	// text makes a value that is neither number, bool nor string into one that logger can encode.
	encode func(any) any
	// prefix is the dotted path of the open groups, empty or with a dot at its end.
	prefix string
	// with are the keys and values of WithAttrs. It is clipped: appending to it copies.
	with []any
}

// NewHandler returns a handler with the given options.
func NewHandler(o Options) *Handler {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Writer == nil {
		o.Writer = os.Stderr
	}
	w := kitlog.NewSyncWriter(o.Writer)
	if o.Format == FormatJSON {
		return &Handler{level: o.Level, logger: kitlog.NewJSONLogger(w), encode: jsonValue}
	}
	return &Handler{level: o.Level, logger: kitlog.NewLogfmtLogger(w), encode: logfmtValue}
}

// Enabled reports whether a record of this level is written.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level() && level < LevelNone
}

// Handle writes the record as one line. It returns the error of the writer.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	buf, _ := lines.Get().(*[]any)
	kvs := (*buf)[:0]
	defer func() {
		clear(kvs) // The pool must not keep the caller's values alive.
		*buf = kvs
		lines.Put(buf)
	}()

	if !r.Time.IsZero() {
		kvs = append(kvs, keyTime, r.Time.UTC().Format(timeFormat))
	}
	kvs = append(kvs, keyLevel, levelText(r.Level), keyMessage, printable.Text(r.Message, printable.MaxError))
	kvs = append(kvs, h.with...)
	r.Attrs(func(a slog.Attr) bool {
		kvs = h.appendAttr(kvs, h.prefix, a)
		return true
	})
	return h.logger.Log(kvs...)
}

// WithAttrs returns a handler that adds the attributes to every line. They are resolved now, once.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		c.with = h.appendAttr(c.with, h.prefix, a)
	}
	c.with = slices.Clip(c.with)
	return &c
}

// WithGroup returns a handler that puts name and a dot before the keys of all further attributes.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix += name + "."
	return &c
}

// lines holds the slices of keys and values that Handle has finished with.
var lines = sync.Pool{New: func() any { return new(make([]any, 0, 32)) }}

// appendAttr appends the key and the value of a, or those of its members if a is a group.
func (h *Handler) appendAttr(kvs []any, prefix string, a slog.Attr) []any {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, m := range v.Group() {
			kvs = h.appendAttr(kvs, prefix, m)
		}
		return kvs
	}
	if a.Key == "" && v.Equal(slog.Value{}) {
		return kvs
	}
	if v.Kind() == slog.KindString && v.String() == "" { // "reason=" reads as if something were lost
		return kvs
	}
	return append(kvs, key(prefix+a.Key), fit(h.value(v), v))
}

// value returns what go-kit encodes for v, which is resolved and not a group.
func (h *Handler) value(v slog.Value) any {
	switch v.Kind() {
	case slog.KindString:
		return v.String()
	case slog.KindBool, slog.KindInt64, slog.KindUint64:
		return v.Any()
	case slog.KindDuration:
		return v.Duration().String()
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindFloat64, slog.KindAny, slog.KindGroup, slog.KindLogValuer:
	}
	return h.encode(v.Any())
}

// key returns k as it is written. A key that logfmt cannot write would cost the whole line, and one of ours
// would hide ours in JSON.
func key(k string) string {
	k = printable.Text(k, printable.MaxLog)
	switch {
	case k == keyTime || k == keyLevel || k == keyMessage:
		return "attr_" + k
	case strings.ContainsFunc(k, validInKey):
		return k
	}
	return "!BADKEY"
}

// validInKey reports whether logfmt keeps r in a key; it drops the others.
func validInKey(r rune) bool { return r > ' ' && r != '=' && r != '"' && r != '\uFFFD' }

// levelText returns the level in lower case, such as "info" or "error+2".
func levelText(l slog.Level) string {
	switch l {
	case slog.LevelDebug:
		return "debug"
	case slog.LevelInfo:
		return "info"
	case slog.LevelWarn:
		return "warn"
	case slog.LevelError:
		return "error"
	}
	return strings.ToLower(l.String())
}
