package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A jsonPath leads from a JSON document to a value in it: each step is the key of an object (string) or an index of a list (int).
type jsonPath []any

var celName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// celWords are names that CEL does not allow as fields (its language definition, section Syntax).
var celWords = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null", "package", "return",
	"true", "var", "void", "while",
}

// cel is the value in CEL.
func (p jsonPath) cel() string {
	var b strings.Builder
	b.WriteString("body")
	for _, s := range p {
		switch key, ok := s.(string); {
		case !ok:
			fmt.Fprintf(&b, "[%d]", s)
		case celName.MatchString(key) && !slices.Contains(celWords, key):
			b.WriteString("." + key)
		default:
			b.WriteString("[" + celText(key) + "]")
		}
	}
	return b.String()
}

// converted is the value for a conversion such as string(). CEL takes body["a-b"] for what the conversion makes of it.
func (p jsonPath) converted() string {
	if v := p.cel(); !strings.HasSuffix(v, `"]`) {
		return v
	}
	return "dyn(" + p.cel() + ")"
}

// present is a condition in CEL that the value is there. It is an error where a step finds neither an object nor a list.
func (p jsonPath) present() string {
	var all []string
	for i, s := range p {
		before := p[:i].cel()
		if key, ok := s.(string); ok {
			all = append(all, celText(key)+" in "+before)
		} else {
			all = append(all, fmt.Sprintf("size(%s) > %d", before, s))
		}
	}
	return strings.Join(append(all, p.cel()+" != null"), " && ")
}

// equals is a condition in CEL that the text of the value is one of texts: the number 5 is the text 5, too.
func (p jsonPath) equals(texts []string) string {
	var all []string
	for _, t := range texts {
		all = append(all, celText(t))
		n, err := strconv.ParseFloat(t, 64)
		switch {
		case err == nil && celNumber.MatchString(t):
			all = append(all, celDouble(n))
		case t == "true" || t == "false" || t == "[]" || t == "{}":
			all = append(all, t)
		}
	}
	if len(all) == 1 {
		return p.cel() + " == " + all[0]
	}
	return p.cel() + " in [" + strings.Join(all, ", ") + "]"
}

var celNumber = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

func celDouble(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func celText(s string) string { return strconv.Quote(s) }

// dotted reads a path such as a.b[0].c, in which a dot separates keys.
func dotted(text string) (jsonPath, bool) {
	var p jsonPath
	for part := range strings.SplitSeq(text, ".") {
		key, indexes, _ := strings.Cut(part, "[")
		if key != "" {
			p = append(p, key)
		}
		if key == "" && indexes == "" || strings.ContainsAny(key, "]*(") {
			return nil, false
		}
		if indexes == "" {
			continue
		}
		for index := range strings.SplitSeq(strings.TrimSuffix(indexes, "]"), "][") {
			n, err := strconv.ParseUint(index, 10, 31)
			if err != nil || !strings.HasSuffix(indexes, "]") {
				return nil, false
			}
			p = append(p, int(n)) //nolint:gosec // it has 31 bits
		}
	}
	return p, true
}

// compare is a condition in CEL that the value is less than a number, and so on. It is empty if the text is not a number.
func (p jsonPath) compare(operator, text string) string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !celNumber.MatchString(text) {
		return ""
	}
	return "double(" + p.converted() + ") " + operator + " " + celDouble(n)
}
