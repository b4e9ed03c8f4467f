package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// maxText is to how many bytes a longer text is cut when its record is too long.
const maxText = 1 << 10

// header is what every line begins with.
type header struct {
	Time     time.Time `json:"ts"`
	Seq      uint64    `json:"seq"`
	PrevHash string    `json:"prev_hash"`
	// CutFrom is the length of the record's JSON in bytes if it was too long; 0: it is whole.
	CutFrom int `json:"cut_from,omitempty"`
}

// maxSeq is the last number that every JSON reader can tell from the next.
const maxSeq = 1 << 53

func parseHeader(line []byte) (header, bool) {
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return h, false
	}
	return h, h.Seq >= 1 && h.Seq < maxSeq && len(h.PrevHash) == len(zeroHash)
}

// line renders the record that follows head.
func (l *Log) line(record any, now time.Time, head Head) ([]byte, error) {
	if head.Seq+1 >= maxSeq { // somebody has written such a number
		return nil, fmt.Errorf("appending to %q: there is no number after %d: move the audit log away", l.path, l.head.Seq)
	}
	text, err := marshal(record)
	if err != nil { // its text could be part of the record
		return nil, fmt.Errorf("appending to %q: a record of type %T cannot be written as JSON", l.path, record)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, fmt.Errorf("appending to %q: a record of type %T is not a JSON object", l.path, record)
	}
	for key := range members {
		for _, reserved := range []string{"ts", "seq", "prev_hash", "cut_from"} {
			if strings.EqualFold(key, reserved) {
				return nil, fmt.Errorf("appending to %q: a record of type %T has a member %q of its own", l.path, record, reserved)
			}
		}
	}
	begin := fmt.Sprintf(`{"ts":%q,"seq":%d,"prev_hash":%q`, now.Format(timeFormat), head.Seq+1, head.Hash)
	if line := join(begin, text); len(line) <= MaxLine {
		return line, nil
	}
	begin += fmt.Sprintf(`,"cut_from":%d`, len(text))
	short, err := marshal(shorten(decode(text)))
	if err != nil {
		return nil, fmt.Errorf("appending to %q: shortening a record: %w", l.path, err)
	}
	if line := join(begin, short); len(line) <= MaxLine {
		return line, nil
	}
	// Quoted once more it can take twice as many bytes.
	rest, err := marshal(map[string]string{"cut": strings.ToValidUTF8(string(text[:MaxLine/4]), "")})
	if err != nil {
		return nil, fmt.Errorf("appending to %q: cutting a record: %w", l.path, err)
	}
	return join(begin, rest), nil
}

func join(begin string, object []byte) []byte {
	line := []byte(begin)
	if string(object) != "{}" {
		line = append(line, ',')
	}
	line = append(line, object[1:]...)
	return append(line, '\n')
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode keeps numbers as they are written.
func decode(text []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&v) // it was encoded a moment ago
	return v
}

// shorten cuts the long texts of a decoded value.
func shorten(v any) any {
	switch v := v.(type) {
	case string:
		if len(v) <= maxText {
			return v
		}
		n := maxText
		for n > 0 && !utf8.RuneStart(v[n]) {
			n--
		}
		return fmt.Sprintf("%s… (cut, %d bytes)", v[:n], len(v))
	case []any:
		for i := range v {
			v[i] = shorten(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = shorten(v[key])
		}
	}
	return v
}
