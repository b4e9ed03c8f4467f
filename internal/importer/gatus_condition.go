package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A condition of Gatus compares a placeholder, such as [STATUS], with a text
// (https://github.com/TwiN/gatus, section Conditions of its README).
type condition struct {
	function    string // len, has or age around the placeholder; empty: none
	placeholder string // in capitals, with its brackets
	path        string // what follows the placeholder, such as .status
	operator    string
	text        string // what it is compared with
}

// gatusOperators are in the order in which Gatus looks for them, each with what it is from right to left.
var gatusOperators = []struct{ operator, mirrored string }{{"==", "=="}, {"!=", "!="}, {"<=", ">="}, {">=", "<="}, {">", "<"}, {"<", ">"}}

var placeholderForm = regexp.MustCompile(`^(?:(len|has|age)\()?(\[[A-Za-z_]+\])([^\s)]*)\)?$`)

// parseCondition reads a condition. It is not ok if it does not compare one placeholder with a text.
func parseCondition(text string) (c condition, ok bool) {
	for _, o := range gatusOperators {
		sides := strings.Split(text+" ", " "+o.operator+" ")
		if len(sides) < 2 { //nolint:mnd // two sides
			continue
		}
		left, right := strings.TrimSpace(sides[0]), strings.TrimSpace(sides[1])
		c.operator = o.operator
		m, other := placeholderForm.FindStringSubmatch(left), placeholderForm.MatchString(right)
		if m == nil {
			left, right, c.operator = right, left, o.mirrored
			m, other = placeholderForm.FindStringSubmatch(left), false
		}
		if m == nil || other {
			return c, false
		}
		c.function, c.placeholder, c.path, c.text = m[1], strings.ToUpper(m[2]), m[3], right
		return c, true
	}
	return c, false
}

// String is the condition without the text that it compares with, which may be a secret.
func (c condition) String() string {
	text := c.placeholder + c.path
	if c.function != "" {
		text = c.function + "(" + text + ")"
	}
	return text + " " + c.operator
}

// among are the texts of any(a, b), or the one text.
func (c condition) among() []string {
	inner, ok := between(c.text, "any(")
	if !ok {
		return []string{c.text}
	}
	var all []string
	for text := range strings.SplitSeq(inner, ",") {
		all = append(all, strings.TrimSpace(text))
	}
	return all
}

// pattern is the pattern in pat(*a*).
func (c condition) pattern() (pattern string, ok bool) { return between(c.text, "pat(") }

func between(text, function string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(text, function)
	if !ok || !strings.HasSuffix(inner, ")") {
		return "", false
	}
	return strings.TrimSuffix(inner, ")"), true
}

// milliseconds reads a number or a duration as Gatus does: a duration is a number of milliseconds.
func milliseconds(text string) (ms float64, ok bool) {
	if d, err := time.ParseDuration(text); err == nil && d != 0 {
		return float64(d.Milliseconds()), true
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return float64(n), true
	}
	n, err := strconv.ParseFloat(text, 64)
	return float64(int64(n)), err == nil && n > -maxNumber && n < maxNumber
}

// meets reports whether a status code meets the condition.
func (c condition) meets(code int) bool {
	switch c.operator {
	case "==", "!=":
		return c.equals(strconv.Itoa(code)) == (c.operator == "==")
	default:
		n, _ := milliseconds(c.text) // 0 if it is not a number, as for Gatus
		return compares(float64(code), c.operator, n)
	}
}

func compares(a float64, operator string, b float64) bool {
	switch operator {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	default:
		return a >= b
	}
}

func (c condition) equals(v string) bool {
	if p, ok := c.pattern(); ok {
		re, err := regexp.Compile(whole(glob(p), ""))
		return err == nil && re.MatchString(v)
	}
	for _, text := range c.among() {
		n, err := strconv.ParseInt(text, 0, 64)
		if text == v || err == nil && strconv.FormatInt(n, 10) == v {
			return true
		}
	}
	return false
}

// anything is what * is in a pattern.
const anything = `[\s\S]*`

// glob is the regular expression of a pattern with *, ? and [a-z] (https://pkg.go.dev/path/filepath#Match).
func glob(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '*':
			b.WriteString(anything)
		case c == '?':
			b.WriteString(`[\s\S]`)
		case c == '[' && strings.Contains(pattern[i:], "]"):
			end := i + strings.Index(pattern[i:], "]")
			b.WriteString(pattern[i : end+1])
			i = end
		case c == '\\' && i+1 < len(pattern):
			i++
			fallthrough
		default:
			_, size := utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(regexp.QuoteMeta(pattern[i : i+size]))
			i += size - 1
		}
	}
	return b.String()
}

// whole is an expression that matches what an expression matches from the beginning to the end, with edge around it. An expression
// that begins or ends with anything needs no anchor there.
func whole(expression, edge string) string {
	for strings.Contains(expression, anything+anything) {
		expression = strings.ReplaceAll(expression, anything+anything, anything)
	}
	open, end := "^"+edge, edge+"$"
	if rest, ok := strings.CutPrefix(expression, anything); ok {
		expression, open = rest, ""
	}
	if rest, ok := strings.CutSuffix(expression, anything); ok {
		expression, end = rest, ""
	}
	return open + expression + end
}

// oneOf is an expression that matches one of the texts.
func oneOf(all []string) string {
	quoted := make([]string, len(all))
	for i, text := range all {
		quoted[i] = regexp.QuoteMeta(text)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	return "(?:" + strings.Join(quoted, "|") + ")"
}

// expression is the regular expression that a text has to match as a whole.
func (c condition) expression(edge string) string {
	if p, ok := c.pattern(); ok {
		return whole(glob(p), edge)
	}
	return "^" + edge + oneOf(c.among()) + edge + "$"
}

// json is the condition in CEL, for a placeholder [BODY] with a path. It is empty if CEL cannot say it.
func (c condition) json() string {
	p, ok := dotted(strings.TrimPrefix(c.path, "."))
	if !ok || len(p) == 0 {
		return ""
	}
	switch n, isNumber := milliseconds(c.text); {
	case c.function == "has" && (c.operator == "==" || c.operator == "!="):
		if (c.text == "true") == (c.operator == "==") {
			return p.present()
		}
		return "!(" + p.present() + ")"
	case c.function == "len" && isNumber:
		return fmt.Sprintf("size(%s) %s %.0f", p.cel(), c.operator, n)
	case c.function != "":
		return ""
	case slices.ContainsFunc(c.among(), composite): // it has a form of its own there
		return ""
	case c.operator == "==":
		return c.sameText(p)
	case c.operator == "!=": // what is not there is not equal
		return "!(" + p.present() + " && " + c.sameText(p) + ")"
	case isNumber:
		return "int(double(" + p.converted() + ")) " + c.operator + " " + strconv.FormatFloat(n, 'f', 0, 64)
	default:
		return ""
	}
}

// meetsNothing reports whether a value that is not there meets the condition.
func (c condition) meetsNothing() bool {
	switch c.operator {
	case "!=":
		return c.function != "has" || c.text == "true"
	case "==":
		return c.function == "has" && c.text == "false"
	default:
		n, _ := milliseconds(c.text)
		return compares(0, c.operator, n)
	}
}

// composite reports whether a text is that of a list or an object with something in it.
func composite(text string) bool {
	return text != "[]" && text != "{}" && (strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{"))
}

func (c condition) sameText(p jsonPath) string {
	if _, ok := c.pattern(); ok {
		return fmt.Sprintf("string(%s).matches(%s)", p.converted(), celText(c.expression("")))
	}
	return p.equals(c.among())
}
