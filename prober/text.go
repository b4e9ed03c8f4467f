package prober

import (
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"unsafe"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// maxQuote bounds in bytes how much of a target's text an error repeats.
const maxQuote = 100

// quote makes text of a target fit for an error: it cannot fill a log, nor steer a terminal.
func quote(text string) string { return strconv.Quote(printable.Cut(text, maxQuote)) }

// kept is a text of a target as a Result has it: a copy, since text may be part of a whole head, which would stay with it.
func kept(text string) string { return strings.Clone(printable.Text(text, printable.MaxURL)) }

// verdict is what a Result has of an error: the text. The error itself may hold on to all that the target sent.
func verdict(err error) error { return errors.New(printable.Text(err.Error(), printable.MaxError)) }

// fail notes why the probe failed.
func (r *Result) fail(f *failure) {
	r.Reason, r.FailedPhase, r.Err, r.Cause = f.reason, f.phase, verdict(f.err), f.cause
}

// Size is about how many bytes of memory it takes to keep the Result.
func (r *Result) Size() int {
	const text = int(unsafe.Sizeof(""))
	n := int(unsafe.Sizeof(*r)) + cap(r.Phases)*int(unsafe.Sizeof(Phase{})) + cap(r.Events)*int(unsafe.Sizeof(Event{}))
	for i := range r.Events {
		n += len(r.Events[i].Message) + attrsSize(r.Events[i].Attrs)
	}
	if r.Err != nil {
		n += text + len(r.Err.Error())
	}
	if r.Resolve != nil {
		n += int(unsafe.Sizeof(*r.Resolve))
	}
	if h := r.HTTP; h != nil {
		n += int(unsafe.Sizeof(*h)) + len(h.URL) + len(h.Method) + len(h.Path) + len(h.Proto) + len(h.Excerpt)
	}
	if w := r.WebSocket; w != nil {
		n += int(unsafe.Sizeof(*w)) + len(w.Subprotocol) + len(w.Excerpt) + cap(w.Messages)*int(unsafe.Sizeof(Message{}))
		for i := range w.Messages {
			n += len(w.Messages[i].Excerpt)
		}
	}
	if t := r.TLS; t != nil {
		n += int(unsafe.Sizeof(*t)) + len(t.Protocol) + len(t.ServerName)
		if c := t.Certificates; c != nil {
			n += cap(c.Presented) * int(unsafe.Sizeof(Presented{}))
			for i := range c.Presented {
				n += len(c.Presented[i].Name)
			}
			n += len(c.First.Name) + len(c.ChainFirst.Name)
			n += int(unsafe.Sizeof(*c)) + len(c.Leaf.Subject) + len(c.Leaf.Issuer) + len(c.Leaf.HostNames) + len(c.Leaf.Serial) + len(c.Leaf.Fingerprint)
		}
	}
	return n
}

func attrsSize(attrs []slog.Attr) int {
	n := cap(attrs) * int(unsafe.Sizeof(slog.Attr{}))
	for _, a := range attrs {
		n += len(a.Key)
		if a.Value.Kind() == slog.KindString {
			n += len(a.Value.String())
		}
	}
	return n
}
