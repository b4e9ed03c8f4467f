package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/alertconf"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/managed"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// An intake is what a handler reads of a body.
type intake struct {
	most  int64         // bytes
	time  time.Duration // in which it has to arrive
	types []string      // media types
}

// The media types of bodies.
const mergePatchType = "application/merge-patch+json"

var yamlTypes = []string{"application/yaml", "application/x-yaml", "text/yaml"}

// The intakes.
var (
	oneObject = intake{64 << 10, readTime, []string{jsonType}}
	onePatch  = intake{64 << 10, readTime, []string{mergePatchType, jsonType}}
	document  = intake{16 << 20, time.Minute, append([]string{jsonType}, yamlTypes...)}
	nothing   = intake{0, readTime, nil}
)

// noKeys is an object that says nothing. There are programs that send one with every POST, so it counts as no body.
const noKeys = "{}"

// read returns the body of a request and its media type.
func (in intake) read(w http.ResponseWriter, r *http.Request) (body []byte, kind string, err error) {
	// Before anything is answered: net/http reads what is left of a refused body. Not every connection can do this.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(in.time))
	if kind, err = in.kind(w, r); err != nil {
		return nil, "", err
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, max(in.most, int64(len(noKeys)))))
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, "", &StatusError{Status: http.StatusRequestTimeout, Err: errors.New("the body did not arrive in time")}
	case in.most == 0 && (err != nil || len(body) > 0 && string(body) != noKeys):
		return nil, "", badBody("there is no body here")
	case errors.As(err, &large):
		return nil, "", fmt.Errorf("the body has more than %d bytes: %w", large.Limit, err)
	case err != nil:
		return nil, "", badBody("reading the body: %w", err)
	case !utf8.Valid(body):
		return nil, "", badBody("the body is not UTF-8")
	}
	// It has ended. What is done with it may take longer, and net/http would take whoever waits for gone.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	return body, kind, nil
}

// kind is the media type of a body.
func (in intake) kind(w http.ResponseWriter, r *http.Request) (string, error) {
	if in.most == 0 {
		return "", nil
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := parameters["charset"]
	coded := r.Header.Get("Content-Encoding")
	switch {
	case err == nil && slices.Contains(in.types, kind) && (charset == "" || strings.EqualFold(charset, "utf-8")) && (coded == "" || strings.EqualFold(coded, "identity")):
		return kind, nil
	case coded != "":
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110, section 12.5.3
		return "", &StatusError{Status: http.StatusUnsupportedMediaType, Err: errors.New("the body has a Content-Encoding, want it as it is")}
	}
	w.Header().Set("Accept", strings.Join(in.types, ", "))
	return "", &StatusError{
		Status: http.StatusUnsupportedMediaType,
		Err:    fmt.Errorf("Content-Type is %.100q, want %s in UTF-8", r.Header.Get("Content-Type"), strings.Join(in.types, " or ")),
	}
}

func badBody(format string, args ...any) error {
	return &StatusError{Status: http.StatusBadRequest, Err: fmt.Errorf(format, args...)}
}

// A member is a key of a JSON object with its value.
type member struct {
	key   string
	value json.RawMessage
}

// members reads a body that is one JSON object, with nothing after it and no key twice.
func members(body []byte) (all []member, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	first, err := d.Token()
	if err == nil && first != json.Delim('{') {
		return nil, badBody("the body is not a JSON object")
	}
	seen := map[string]bool{}
	for err == nil && d.More() {
		var key json.Token
		if key, err = d.Token(); err != nil {
			break
		}
		m := member{key: key.(string)} //nolint:forcetypeassert // nothing else begins a member
		if err = d.Decode(&m.value); err == nil && seen[m.key] {
			return nil, badBody("the body has the key %.100q twice", m.key)
		}
		seen[m.key], all = true, append(all, m)
	}
	if err == nil {
		_, err = d.Token() // the end
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	if err == nil && d.InputOffset() < int64(len(bytes.TrimRight(body, " \t\r\n"))) {
		err = errors.New("there is something after it")
	}
	if err != nil {
		return nil, badBody("the body is not a JSON object: %w", err)
	}
	return all, nil
}

// assign sets the fields of a body. What is what says what it is, for who reads the problems. Fields are pointers, by their keys.
func assign(what string, body []byte, fields map[string]any) error {
	all, err := members(body)
	if err != nil {
		return err
	}
	wrong := wrongs{What: what}
	for _, m := range all {
		field, known := fields[m.key]
		if !known {
			wrong.add(m.key, "is not known here, want one of %s", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
			continue
		}
		if bytes.Equal(m.value, []byte("null")) {
			wrong.add(m.key, "is null, want %s", kindOf(field))
		} else if err := json.Unmarshal(m.value, field); err != nil {
			wrong.add(m.key, "got %s, want %s", printable.Text(string(m.value), printable.MaxLog), kindOf(field))
		}
	}
	return wrong.err()
}

// kindOf says what the value of a field has to be.
func kindOf(field any) string {
	switch field.(type) {
	case *bool:
		return "true or false"
	case *uint64:
		return "a number"
	case *alertconf.Standing:
		return "an object with server, state, detail and times"
	default:
		return "a string"
	}
}

// wrongs are what is wrong with a body.
type wrongs managed.InvalidError

// add adds what is wrong with the value of a key.
func (w *wrongs) add(key, format string, args ...any) {
	w.Problems = append(w.Problems, managed.Problem{Pointer: pointer(key), Detail: fmt.Sprintf(format, args...)})
}

// err is an error, if there is anything wrong.
func (w *wrongs) err() error {
	if len(w.Problems) == 0 {
		return nil
	}
	return (*managed.InvalidError)(w)
}

// pointer leads to a key of an object (RFC 6901).
func pointer(key string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
