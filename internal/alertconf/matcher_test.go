package alertconf

import (
	"strings"
	"testing"
)

func TestParseMatcher(t *testing.T) {
	for _, tt := range []struct{ text, want, wrong string }{
		{`environment="LIVE"`, `environment="LIVE"`, ""},
		{` team =~ "shop|cart" `, `team=~"shop|cart"`, ""},
		{`team!~"x.*"`, `team!~"x.*"`, ""},
		{`team!=""`, `team!=""`, ""},
		{`environment=LIVE`, `environment="LIVE"`, ""},
		{`instance="https://a.example/?a=b,c"`, `instance="https://a.example/?a=b,c"`, ""},
		{`name="say \"hi\" \\ \n"`, `name="say \"hi\" \\ \n"`, ""},
		{`name="서버 1"`, `name="서버 1"`, ""},
		{`name=서버`, "", "double quotes"},
		{`name="a`, "", "closing quote"},
		{`name="a\`, "", "closing quote"},
		{`name="a\"`, "", "closing quote"},
		{`name="a" b`, "", "after the value"},
		{`name="\d"`, "", `\d`},
		{`name=~"("`, "", "missing closing"},
		{`"name"="a"`, "", "want a matcher"},
		{`9a="b"`, "", "want a matcher"},
		{`{a="b"}`, "", "want a matcher"},
		{`a=`, "", "double quotes"},
		{``, "", "want a matcher"},
		{"a=\"\xff\"", "", "do not print"},
		{"a=\"\u2028\"", "", "do not print"},
		{`a=="b"`, "", "double quotes"},
	} {
		m, err := ParseMatcher(tt.text)
		switch {
		case tt.wrong == "" && (err != nil || m.String() != tt.want):
			t.Errorf("%s is %s, %v, want %s", tt.text, m.String(), err, tt.want)
		case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
			t.Errorf("%s: %v, want %q", tt.text, err, tt.wrong)
		}
	}
}

func TestMatcherSelects(t *testing.T) {
	labels := map[string]string{"environment": "LIVE", "team": "shop"}
	for text, want := range map[string]bool{
		`environment="LIVE"`: true, `environment="live"`: false, `environment!="LIVE"`: false,
		`team=~"shop|cart"`: true, `team=~"sho"`: false, `team!~"sho"`: true, `team=~".*"`: true,
		`other=""`: true, `other!=""`: false, `other=~".*"`: true, `other=~".+"`: false, `other!~".+"`: true,
	} {
		m, err := ParseMatcher(text)
		if err != nil || m.Selects(labels) != want {
			t.Errorf("%s: %v, %v, want %v", text, m.Selects(labels), err, want)
		}
	}
}

// FuzzMatcher reads what it wrote.
func FuzzMatcher(f *testing.F) {
	for _, s := range []string{`a="b"`, `a=~"b|c"`, `a!="\"\\\n"`, `a=b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMatcher(s)
		if err != nil {
			return
		}
		again, err := ParseMatcher(m.String())
		if err != nil || again.Name != m.Name || again.Op != m.Op || again.Value != m.Value {
			t.Errorf("%q is %+v, and its text %q is %+v, %v", s, m, m.String(), again, err)
		}
	})
}
