package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/remote"
)

// A change is what a command has the exporter change.
type change struct {
	method, path string
	value        any    // is sent as JSON; nil: nothing is
	ifMatch      string // as in remote.Request
	format       string // "json": the answer is written to out as it is
}

// The bounds of sending a change again that came too soon.
const (
	maxPatience = 5               // times
	maxWait     = 5 * time.Second // each time
)

// send sends the change. One that comes too soon it sends again when the exporter says.
func (c change) send(ctx context.Context, s *remote.Server, out io.Writer) (remote.Answer, error) {
	r := remote.Request{Method: c.method, Path: c.path, IfMatch: c.ifMatch}
	if c.value != nil {
		body, err := json.Marshal(c.value)
		if err != nil {
			return remote.Answer{}, err
		}
		r.JSON = body
	}
	answer, err := s.Do(ctx, r)
	for range maxPatience { // such as for the eleventh change of a second
		refused, ok := errors.AsType[*remote.StatusError](err)
		if !ok || refused.Code != http.StatusTooManyRequests || refused.RetryAfter <= 0 || refused.RetryAfter > maxWait {
			break
		}
		select {
		case <-ctx.Done():
			return remote.Answer{}, ctx.Err()
		case <-time.After(refused.RetryAfter):
		}
		answer, err = s.Do(ctx, r)
	}
	if text := strings.TrimSpace(string(answer.Body)); err == nil && c.format == formatJSON && text != "" {
		fmt.Fprintln(jsonWriter{out}, text)
	}
	return answer, err
}

// complainOf writes each problem of a refusal, one line each.
func complainOf(errOut io.Writer, err error) {
	if refused, ok := errors.AsType[*remote.StatusError](err); ok {
		for _, p := range refused.Problems {
			say(errOut, "  %s", at(p.Pointer, p.Detail))
		}
	}
}

// at is a text about a place. Empty: it is about the whole.
func at(place, text string) string {
	if place == "" {
		return text
	}
	return place + ": " + text
}

// answerJSON writes a value as JSON. It returns the exit status.
func answerJSON(out, errOut io.Writer, v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		say(errOut, "writing JSON: %v", err)
		return ExitFailed
	}
	fmt.Fprintln(jsonWriter{out}, string(text))
	return ExitSuccess
}
