package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// A Document is a JSON document (RFC 8259) that is kept as text: an expression decodes only what it looks at. Decoded as a
// whole, a text can take fifty times its length, and whoever sent it would choose how much. The text must not change while
// the Document is in use, and only one goroutine may use it.
type Document struct {
	text     []byte
	integers bool
	root     ref.Val
	left     int64 // how many more values may be looked at
}

// The most that a Document takes besides its text, in bytes: for an item of a list, for a member of an object with its slot in
// the table, and for a value in a list that an expression makes.
const (
	itemCost   = 4
	memberCost = 8 + 16
	madeCost   = 64
)

// maxMore is how many values an expression that makes lists may look at beyond those of the document. If a list is made for
// each item of another, the numbers of both multiply.
const maxMore = 500_000

// allow limits how much an expression may look at if it makes lists or maps of its own. Others are bounded by time alone.
func (d *Document) allow(builds bool) {
	d.left = math.MaxInt64
	if builds {
		items, members := separators(d.text)
		d.left = items + members + maxMore
	}
}

// separators is an upper bound of the number of items and members in a text: separators may also be inside strings.
func separators(text []byte) (items, members int64) {
	return int64(bytes.Count(text, []byte(","))) + 1, int64(bytes.Count(text, []byte(":")))
}

// An at is where in the text of a Document a value begins.
type at uint32

// ParseDocument checks that text is one document of JSON. Its numbers are floating point, as in JavaScript.
func ParseDocument(text []byte) (*Document, error) { return parseDocument(text, false) }

// ParseRecords is like ParseDocument, but numbers without a fraction are integers.
func ParseRecords(text []byte) (*Document, error) { return parseDocument(text, true) }

func parseDocument(text []byte, integers bool) (*Document, error) {
	if uint64(len(text)) > math.MaxUint32 {
		return nil, errors.New("it has more than 4 GiB")
	}
	var u untouched
	if err := json.Unmarshal(text, &u); err != nil {
		return nil, err
	}
	d := &Document{text: u, integers: integers, left: math.MaxInt64}
	d.root = d.value(0)
	return d, nil
}

// untouched takes the text of a document as it is. Package json has checked it before.
type untouched []byte

// UnmarshalJSON implements json.Unmarshaler.
func (u *untouched) UnmarshalJSON(text []byte) error {
	*u = text
	return nil
}

// Items returns the items of a list, each as a Document of its own. It returns false if the document is not a list.
func (d *Document) Items() (iter.Seq[*Document], bool) {
	if d.text[0] != '[' {
		return nil, false
	}
	return func(yield func(*Document) bool) {
		for start := range d.elements(0) {
			if !yield(d.part(start)) {
				return
			}
		}
	}, true
}

// Member returns the value of a key of an object, or nil if the document is not an object or does not have the key.
func (d *Document) Member(key string) *Document {
	o, ok := d.root.(*object)
	if !ok {
		return nil
	}
	i, _ := o.index([]byte(key))
	if i < 0 {
		return nil
	}
	return d.part(o.members[i].value)
}

// part returns the value that begins at i as a Document.
func (d *Document) part(i at) *Document {
	p := &Document{text: d.text[i:d.end(i)], integers: d.integers, left: math.MaxInt64}
	p.root = p.value(0)
	return p
}

// Text returns the text without spaces around it.
func (d *Document) Text() []byte { return d.text }

// Size returns how many values a document has, including itself but not its keys, and how deep they are nested.
func (d *Document) Size() (values, deepest int) {
	depth := 0
	for i := at(0); int(i) < len(d.text); {
		switch c := d.text[i]; c {
		case '{', '[':
			values++
			depth++
			deepest = max(deepest, depth)
			i++
		case '}', ']':
			depth--
			i++
		case ':': // what was before it was a key
			values--
			i++
		case ',', ' ', '\t', '\r', '\n':
			i++
		default:
			values++
			i = d.end(i)
		}
	}
	return values, deepest
}

// NativeToValue implements types.Adapter.
func (d *Document) NativeToValue(v any) ref.Val {
	switch v := v.(type) {
	case at:
		return d.value(v)
	case member:
		return types.String(d.string(v.key))
	default:
		return types.DefaultTypeAdapter.NativeToValue(v)
	}
}

// value returns the value that begins at i, as CEL has it.
func (d *Document) value(i at) ref.Val {
	d.left--
	if d.left < 0 {
		return types.NewErr("the expression makes lists of more values than there are in the document and %d", maxMore)
	}
	switch d.text[i] {
	case '{':
		return d.object(i)
	case '[':
		return types.NewDynamicList(d, d.items(i))
	case '"':
		return types.String(d.string(i))
	case 't':
		return types.True
	case 'f':
		return types.False
	case 'n':
		return types.NullValue
	default:
		return d.number(string(d.text[i:d.end(i)]))
	}
}

func (d *Document) number(text string) ref.Val {
	if d.integers {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return types.Int(n)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil:
		return types.Double(f)
	case d.integers:
		return types.String(text)
	default:
		return types.NewErr("a number is too large")
	}
}

// items returns where the items of the list at i begin.
func (d *Document) items(i at) []at {
	n := 0
	for range d.elements(i) {
		n++
	}
	all := make([]at, 0, n)
	for j := range d.elements(i) {
		all = append(all, j)
	}
	return all
}

// elements returns where the items of a list begin, or the keys of an object.
func (d *Document) elements(i at) func(yield func(at) bool) {
	return func(yield func(at) bool) {
		for i = d.next(i + 1); d.text[i] != ']' && d.text[i] != '}'; i = d.next(i) {
			if !yield(i) {
				return
			}
			i = d.next(d.end(i))
			if d.text[i] == ':' {
				i = d.next(d.end(d.next(i + 1)))
			}
			if d.text[i] == ',' {
				i++
			}
		}
	}
}

// next returns the first index from i on that is not white space.
func (d *Document) next(i at) at {
	for {
		switch d.text[i] {
		case ' ', '\t', '\r', '\n':
			i++
		default:
			return i
		}
	}
}

// end returns where the value that begins at i ends.
func (d *Document) end(i at) at {
	switch d.text[i] {
	case '"':
		return d.endOfString(i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch d.text[i] {
			case '"':
				i = d.endOfString(i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				depth--
				if depth == 0 {
					return i + 1
				}
			}
		}
	default: // a number, or one of three words
		for int(i) < len(d.text) && bytes.IndexByte([]byte(",]} \t\r\n"), d.text[i]) < 0 {
			i++
		}
		return i
	}
}

func (d *Document) endOfString(i at) at {
	for i++; d.text[i] != '"'; i++ {
		if d.text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// string returns the text that begins at i.
func (d *Document) string(i at) string {
	if plain := d.plain(i); plain != nil {
		return string(plain)
	}
	var s string
	_ = json.Unmarshal(d.text[i:d.endOfString(i)], &s) // it was checked as part of the whole
	return s
}

// raw returns the bytes of the text that begins at i. They must not be changed.
func (d *Document) raw(i at) []byte {
	if plain := d.plain(i); plain != nil {
		return plain
	}
	return []byte(d.string(i))
}

// plain returns the text that begins at i if the document has it without escapes, and nil otherwise.
func (d *Document) plain(i at) []byte {
	plain := d.text[i+1 : d.endOfString(i)-1]
	if bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return plain
	}
	return nil
}
