package alertconf

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// An Op is how a Matcher compares (https://prometheus.io/docs/alerting/latest/configuration/#matcher).
type Op string

// The ways to compare.
const (
	Equal    Op = "="
	NotEqual Op = "!="
	Match    Op = "=~"
	NotMatch Op = "!~"
)

// A Matcher selects alerts by a label. Make it with ParseMatcher.
type Matcher struct {
	Name  string
	Op    Op
	Value string

	expression *regexp.Regexp // of Match and NotMatch, anchored
}

var matcherPattern = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$`)

// ParseMatcher reads a matcher such as environment="LIVE" or team=~"shop|cart". It understands what the classic and the UTF-8
// parser of Alertmanager read in the same way: a label name without quotes, and a value in double quotes, or a bare one of
// letters, digits and the signs that need none.
func ParseMatcher(s string) (Matcher, error) {
	if !printable.Is(s) {
		return Matcher{}, fmt.Errorf("got %q, which has characters that do not print", s)
	}
	parts := matcherPattern.FindStringSubmatch(s)
	if parts == nil {
		return Matcher{}, fmt.Errorf("got %q, want a matcher such as environment=\"LIVE\" or team=~\"shop|cart\"", s)
	}
	m := Matcher{Name: parts[1], Op: Op(parts[2])}
	var err error
	if m.Value, err = matcherValue(parts[3]); err != nil {
		return Matcher{}, fmt.Errorf("matcher %q: %w", s, err)
	}
	if m.Op == Match || m.Op == NotMatch {
		if m.expression, err = regexp.Compile("^(?:" + m.Value + ")$"); err != nil {
			return Matcher{}, fmt.Errorf("matcher %q: %w", s, err)
		}
	}
	return m, nil
}

var bareValue = regexp.MustCompile(`^[a-zA-Z0-9_.:/#@-]+$`)

func matcherValue(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		if !bareValue.MatchString(s) {
			return "", fmt.Errorf("the value is %q, want it in double quotes", s)
		}
		return s, nil
	}
	var b strings.Builder
	rest := s[1:]
	for {
		i := strings.IndexAny(rest, `"\`)
		if i < 0 {
			return "", fmt.Errorf("the value %q has no closing quote", s)
		}
		b.WriteString(rest[:i])
		if rest[i] == '"' {
			if rest[i+1:] != "" {
				return "", fmt.Errorf("there is %q after the value", rest[i+1:])
			}
			return b.String(), nil
		}
		if len(rest) < i+2 {
			return "", fmt.Errorf("the value %q has no closing quote", s)
		}
		c, ok := map[byte]byte{'"': '"', '\\': '\\', 'n': '\n'}[rest[i+1]]
		if !ok {
			return "", fmt.Errorf(`the value has \%c, want a backslash only as \\, \" or \n`, rest[i+1])
		}
		b.WriteByte(c)
		rest = rest[i+2:]
	}
}

var matcherEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// String returns the matcher as every version of Alertmanager reads it.
func (m *Matcher) String() string {
	return m.Name + string(m.Op) + `"` + matcherEscapes.Replace(m.Value) + `"`
}

// Selects reports whether an alert with these labels is selected. A label that it does not have is empty.
func (m *Matcher) Selects(labels map[string]string) bool {
	value := labels[m.Name]
	switch m.Op {
	case Equal:
		return value == m.Value
	case NotEqual:
		return value != m.Value
	case Match:
		return m.expression.MatchString(value)
	case NotMatch:
		return !m.expression.MatchString(value)
	}
	return false
}
