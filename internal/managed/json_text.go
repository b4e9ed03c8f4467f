package managed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// The limits of what is written. Those of a target's values are config's.
const (
	maxDefinition = 64 << 10 // bytes of the definition of a target, or of a patch of it
	maxDepth      = 20       // of lists and objects; those of a target are at most 7 deep
	maxProblems   = 100      // that are told at once
)

// A jsonReader decodes JSON as package json does, and refuses what that would pass over: keys that are there twice, and bytes that
// are not UTF-8. A number that is not whole, such as 1.10, is a text, as it was written: a label has no numbers.
type jsonReader struct {
	d        *json.Decoder
	problems []Problem
}

// ReadObject reads one JSON object that somebody has written: strictly, with numbers as they were written. A member that is null
// counts as absent unless nulls is true.
func ReadObject(text []byte, nulls bool) (map[string]any, []Problem) {
	if len(text) > maxDefinition {
		return nil, []Problem{{"", fmt.Sprintf("has %d bytes, want %d at most", len(text), maxDefinition)}}
	}
	if p := checkJSON(text); p != nil {
		return nil, []Problem{*p}
	}
	r := &jsonReader{d: json.NewDecoder(bytes.NewReader(text))}
	r.d.UseNumber()
	v := r.value("", 0)
	object, ok := v.(map[string]any)
	if !ok && len(r.problems) == 0 {
		return nil, []Problem{{"", "got " + kindOf(v) + ", want a JSON object"}}
	}
	if !nulls {
		dropNulls(object)
	}
	return object, r.problems
}

// checkJSON returns what is wrong with a text as JSON, or nil.
func checkJSON(text []byte) *Problem {
	if !utf8.Valid(text) {
		i := 0
		for r, size := utf8.DecodeRune(text); r != utf8.RuneError || size != 1; r, size = utf8.DecodeRune(text[i:]) {
			i += size
		}
		return &Problem{"", fmt.Sprintf(`%s: has the byte \x%02x, which is not UTF-8`, place(text, i), text[i])}
	}
	var whole json.RawMessage
	err := json.Unmarshal(text, &whole)
	if err == nil {
		return nil
	}
	at := len(text)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && !strings.HasPrefix(err.Error(), "unexpected end") {
		at = int(syntax.Offset) - 1
	}
	return &Problem{"", fmt.Sprintf("%s: not valid JSON: %s", place(text, at), printable.Text(err.Error(), printable.MaxLog))}
}

// place is where a byte of a text is, for people.
func place(text []byte, i int) string {
	before := text[:min(max(i, 0), len(text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// value reads the next value. The syntax was checked before.
func (r *jsonReader) value(pointer string, depth int) any {
	token, err := r.d.Token()
	if err != nil { // never, since it was checked
		r.problem(pointer, "is not valid JSON")
		return nil
	}
	if n, ok := token.(json.Number); ok && !wholeNumber.MatchString(string(n)) {
		return string(n)
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token
	}
	depth++
	if depth > maxDepth {
		r.problem(pointer, fmt.Sprintf("is nested too deeply, want %d levels of lists and objects at most", maxDepth))
		r.skip()
		return nil
	}
	if delim == '[' {
		list := []any{}
		for r.d.More() {
			list = append(list, r.value(pointer+"/"+strconv.Itoa(len(list)), depth))
		}
		_, _ = r.d.Token() // the end
		return list
	}
	object := map[string]any{}
	for r.d.More() {
		key, _ := r.d.Token()
		name, _ := key.(string)
		at := pointer + "/" + Escape(name)
		v := r.value(at, depth)
		if _, twice := object[name]; twice {
			r.problem(at, "is there twice")
		}
		object[name] = v
	}
	_, _ = r.d.Token()
	return object
}

// skip reads to the end of the list or object that has begun.
func (r *jsonReader) skip() {
	for depth := 1; depth > 0; {
		token, err := r.d.Token()
		if err != nil {
			return
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
	}
}

func (r *jsonReader) problem(pointer, detail string) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{printable.Text(pointer, printable.MaxError), detail})
	}
}

// dropNulls removes the members that are null.
func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if value == nil {
				delete(v, key)
			} else {
				dropNulls(value)
			}
		}
	case []any:
		for _, item := range v {
			dropNulls(item)
		}
	}
}

// kindOf is a value for messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "a number"
	}
}

// Encode returns a value as definitions are kept: as JSON that is compact, with sorted keys.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("managed: a value of type %T cannot be written as JSON: %v", v, err)) // all of ours can
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// decode is the value that Encode has written.
func decode(text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&v) // it was checked when it was read
	return v
}

// decodeObject is the object that Encode has written.
func decodeObject(text []byte) map[string]any {
	object, _ := decode(text).(map[string]any)
	return object
}

// Escape is a key as a part of a JSON pointer (RFC 6901 section 3).
func Escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// pointer is the path of a config.Problem, such as maintenance[0].times or labels["a b"], as a JSON pointer.
func pointer(path string) string {
	var b strings.Builder
	for path != "" {
		var key string
		switch {
		case path[0] == '.':
			path = path[1:]
			continue
		case strings.HasPrefix(path, `["`):
			quoted, err := strconv.QuotedPrefix(path[1:])
			if err != nil {
				return b.String()
			}
			key, _ = strconv.Unquote(quoted)
			path = strings.TrimPrefix(path[1+len(quoted):], "]")
		case path[0] == '[':
			key, path, _ = strings.Cut(path[1:], "]")
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			key, path = path[:end], path[end:]
		}
		b.WriteString("/" + Escape(key))
	}
	return printable.Text(b.String(), printable.MaxError)
}
