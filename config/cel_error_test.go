package config_test

import (
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// TestCELErrorsTellNothing evaluates every kind of expression whose error would quote the document.
func TestCELErrorsTellNothing(t *testing.T) {
	const text = `{"key":"canary", "number":"4711canary", "regexp":"(canary", "class":"[[:canary:]]", "zone":"Canary/Zone",
		"offset":"+99:99canary", "time":"2026-99-99Tcanary", "large":1e300, "canary4711":1, "zero":0, "index":471100, "list":["canary"],
		"map":{"canary":1}, "text":"canary", "huge":"(((((((((((canary{999}){999}"}`
	body := document(t, text)
	for expression, want := range map[string]string{
		`body.map[body.number] == 1`:                   "a key is missing",
		`body.missing`:                                 "a key is missing",
		`body[body.key].canary`:                        "a key is missing",
		`body.text.field`:                              "a key is missing",
		`body.text > 1`:                                "a value is of another type",
		`body.text + body.list == 1`:                   "a value is of another type",
		`body.list[body.text] == 1`:                    "an index is",
		`body.list[int(body.index)] == 1`:              "an index is out of range",
		`body.list[471100.5] == 1`:                     "an index is",
		`1 / int(body.zero) == 1`:                      "it divides by zero",
		`1 % int(body.zero) == 1`:                      "it divides by zero",
		`int(body.large) == 1`:                         "a number is too large",
		`uint(body.large) == 1u`:                       "a number is too large",
		`int(body.number) == 1`:                        "a value cannot be converted",
		`double(body.number) == 1.0`:                   "a value cannot be converted",
		`uint(body.number) == 1u`:                      "a value cannot be converted",
		`bool(body.text)`:                              "a value cannot be converted",
		`timestamp(body.time) == timestamp(0)`:         "a text is not a time",
		`duration(body.number) == duration('1s')`:      "",
		`timestamp(0).getHours(body.zone) == 1`:        "a text is not a time zone",
		`timestamp(0).getHours(body.offset) == 1`:      "",
		`"x".matches(body.regexp)`:                     "a text is not a regular expression",
		`"x".matches(body.class)`:                      "a text is not a regular expression",
		`"x".matches(body.huge)`:                       "a text is not a regular expression",
		`body.list.exists(x, x.missing == body.key)`:   "a key is missing",
		`body.list.all(x, int(x) > 0)`:                 "a value cannot be converted",
		`body.text`:                                    "got a result of type string, want bool",
		`body.list.map(x, body.map[x + x] == 1)[0]`:    "a key is missing",
		`dyn(body.list) < dyn(body.text)`:              "a value is of another type",
		`type(body.text) == type(body[body.map.text])`: "a key is missing",
	} {
		t.Run(expression, func(t *testing.T) {
			c, err := config.NewCEL(expression)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Eval(t.Context(), body)
			if err == nil {
				t.Fatalf("got %t, want an error", got)
			}
			if said := strings.ToLower(err.Error()); !strings.Contains(said, want) || strings.Contains(said, "canary") || strings.Contains(said, "4711") {
				t.Errorf("got %q, want %q and nothing of the document", err, want)
			}
		})
	}
}
