package query

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parameters are those of a query.
func parameters(t *testing.T, text string) *Parameters {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return Of(values)
}

func TestParameters(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var words []string // [] and nil are different to cmp
	read := map[string]func(p *Parameters) any{
		"text":   func(p *Parameters) any { return p.Text("a") },
		"number": func(p *Parameters) any { return p.Number("a", 100) },
		"since":  func(p *Parameters) any { return p.Since("a", now) },
		"one of": func(p *Parameters) any { return p.OneOf("a", "x", "y") },
		"all":    func(p *Parameters) any { return p.All("a", 2) },
		"all of": func(p *Parameters) any { return p.AllOf("a", "x", "y") },
		"flag":   func(p *Parameters) any { return p.Flag("a") },
		"only":   func(p *Parameters) any { p.Only("a", "b"); return nil },
	}
	for _, tc := range []struct {
		as, query string
		want      any
		err       string
	}{
		{"text", "", "", ""},
		{"text", "a=", "", ""},
		{"text", "a=x%20y&b=z", "x y", ""},
		{"text", "a=x&a=y", "", "a is there 2 times, want it once"},
		{"number", "", uint64(0), ""},
		{"number", "a=1", uint64(1), ""},
		{"number", "a=100", uint64(100), ""},
		{"number", "a=0", uint64(0), `a is "0", want a number from 1 to 100`},
		{"number", "a=101", uint64(101), `a is "101", want a number from 1 to 100`},
		{"number", "a=-1", uint64(0), "a is"},
		{"number", "a=1e1", uint64(0), "a is"},
		{"number", "a=99999999999999999999", uint64(1<<64 - 1), "a is"},
		{"number", "a=1&a=1", uint64(0), "a is there 2 times"},
		{"since", "", time.Time{}, ""},
		{"since", "a=2026-12-01T08:00:00Z", time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), ""},
		{"since", "a=7d", now.AddDate(0, 0, -7), ""},
		{"since", "a=yesterday", now, `a is "yesterday", want a time such as`},
		{"one of", "", "", ""},
		{"one of", "a=y", "y", ""},
		{"one of", "a=Y", "", `a is "Y", want one of ["x" "y"]`},
		{"all", "", words, ""},
		{"all", "a=2&a=1&a=2&a=2", []string{"1", "2"}, ""},
		{"all", "a=2&a=1&a=3", words, "a is there 3 times, want it 2 times at most"},
		{"all of", "a=y&a=x&a=y", []string{"x", "y"}, ""},
		{"all of", "a=z", []string{"z"}, `a is "z", want one of ["x" "y"]`},
		{"flag", "", false, ""},
		{"flag", "a=true", true, ""},
		{"flag", "a=false", false, ""},
		{"flag", "a=1", false, `a is "1", want one of ["true" "false"]`},
		{"only", "a=1&b=2", nil, ""},
		{"only", "c=1&d=2", nil, `unknown parameter "c", want one of ["a" "b"]`},
	} {
		t.Run(tc.as+" "+tc.query, func(t *testing.T) {
			p := parameters(t, tc.query)
			if diff := cmp.Diff(tc.want, read[tc.as](p)); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
			var wrong *Error
			switch err := p.Err(); {
			case tc.err == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tc.err != "" && (!errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), tc.err)):
				t.Errorf("error %v, want an Error that begins with %q", err, tc.err)
			}
		})
	}
}

// What is wrong first is what is said, and what was wrong can be unwrapped.
func TestFirstError(t *testing.T) {
	p := parameters(t, "a=0&b=0")
	p.Number("a", 1)
	p.Number("b", 1)
	if err := p.Err(); err == nil || !strings.HasPrefix(err.Error(), "a is") || errors.Unwrap(err) == nil {
		t.Errorf("error %v, want that of a", err)
	}
}

// What cannot be read is not lost: it may have been what says that nothing is to be done.
func TestParse(t *testing.T) {
	for raw, want := range map[string]string{
		"": "", "a=1&b=2": "", "dry_run=true;x": "the parameters of the URL cannot be read", "dry_run=%zz": "the parameters of the URL cannot be read",
	} {
		p, _ := Parse(raw)
		if err := p.Err(); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", raw, err, want)
		}
	}
}
