package logging

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// fit makes what is written for v, if it is text, fit for a log: no line can be filled, or forged, or steer the terminal of
// who reads it. Errors may be longer than other texts: those of a configuration have many parts.
func fit(written any, v slog.Value) any {
	switch text := written.(type) {
	case string:
		limit := printable.MaxLog
		if v.Kind() == slog.KindAny {
			if _, ok := v.Any().(error); ok {
				text, limit = strings.ReplaceAll(text, "\n", "; "), printable.MaxError
			}
		}
		if fitting := printable.Text(text, limit); fitting != written {
			return fitting
		}
	case json.RawMessage:
		// An escape is a character again once it is decoded. Only a text can be cut.
		if s := string(text); len(s) > printable.MaxLog || !printable.Is(strings.TrimSuffix(s, "\n")) || strings.Contains(s, `\u`) {
			return printable.Text(strings.TrimSuffix(s, "\n"), printable.MaxLog)
		}
	}
	return written
}

// logfmtValue returns the text of x, or nil. It never panics.
func logfmtValue(x any) any {
	switch x := x.(type) {
	case nil:
		return nil
	case error, fmt.Formatter:
		return fmt.Sprint(x) // It has panicking methods under control.
	case encoding.TextMarshaler:
		return marshalText(x)
	case []byte:
		return string(x)
	}
	return fmt.Sprintf("%+v", x) // It prefers fmt.Stringer.
}

// jsonValue returns what encoding/json encodes for x without an error and without a panic.
func jsonValue(x any) any {
	switch v := x.(type) {
	case nil:
		return nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
		return v
	case error:
		return fmt.Sprint(x) // It has panicking methods under control.
	case json.Marshaler, encoding.TextMarshaler:
		return marshalJSON(x)
	case []byte:
		return string(v)
	case fmt.Stringer:
		return fmt.Sprint(x)
	}
	return marshalJSON(x)
}

// marshalText returns the text of x, or what went wrong.
func marshalText(x encoding.TextMarshaler) (v any) {
	defer func() {
		if r := recover(); r != nil {
			v = panicked(x, r)
		}
	}()
	text, err := x.MarshalText()
	if err != nil {
		return "!ERROR: " + err.Error()
	}
	return string(text)
}

// marshalJSON returns the JSON of x, or what went wrong: an error later on would cost the whole line.
func marshalJSON(x any) (v any) {
	defer func() {
		if r := recover(); r != nil {
			v = panicked(x, r)
		}
	}()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		return "!ERROR: " + err.Error()
	}
	return json.RawMessage(b.Bytes())
}

// panicked returns what is written for x, a method of which panicked with r. Of a nil pointer that is no news.
func panicked(x, r any) any {
	if v := reflect.ValueOf(x); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return fmt.Sprintf("!PANIC: %v", r)
}
