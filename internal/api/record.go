package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/prober"
)

// A Record is a managed target as somebody has written it.
type Record struct {
	Name       string          `json:"name"`
	Revision   uint64          `json:"revision"`
	Definition json.RawMessage `json:"definition"`
	Created    managed.Stamp   `json:"created"`
	Updated    managed.Stamp   `json:"updated"`
}

func recordOf(t *managed.Target) *Record {
	return &Record{Name: t.Name, Revision: t.Revision, Definition: t.Definition, Created: t.Created, Updated: t.Updated}
}

// editor reports whether a request is from somebody who may read what was written as it was written. Others may read what people
// may see.
func editor(r *http.Request) bool { return access.From(r.Context()).Role.Includes(access.Edit) }

// masked is a definition as people may see it: without what a URL may have of secrets, and with the names of headers alone.
func masked(definition json.RawMessage) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(definition, &fields); err != nil {
		return nil, fmt.Errorf("reading a definition: %w", err)
	}
	for _, key := range []string{"url", "runbook_url"} {
		if text, ok := fields[key]; ok {
			fields[key] = maskedURL(text)
		}
	}
	if text, ok := fields["headers"]; ok {
		var headers map[string]json.RawMessage
		if json.Unmarshal(text, &headers) != nil { // it is not a mapping: nothing of it is shown
			headers = nil
		}
		names := map[string]string{}
		for name := range maps.Keys(headers) {
			names[name] = prober.Mask
		}
		fields["headers"] = encoded(names)
	}
	return encoded(fields), nil
}

func maskedURL(text json.RawMessage) json.RawMessage {
	var address string
	if json.Unmarshal(text, &address) != nil {
		return encoded(prober.Mask)
	}
	u, err := url.Parse(address)
	if err != nil {
		return encoded(prober.Mask)
	}
	return encoded(prober.MaskURL(u))
}

// encoded is the JSON of what always has one.
func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, and maps of what was decoded before
	}
	return text
}

// definitions are those of a document that a request may read, each with its name.
func definitions(r *http.Request, all []json.RawMessage) ([]json.RawMessage, error) {
	if editor(r) {
		return slices.Clone(all), nil
	}
	shown := make([]json.RawMessage, len(all))
	for i, d := range all {
		var err error
		if shown[i], err = masked(d); err != nil {
			return nil, err
		}
	}
	return shown, nil
}
