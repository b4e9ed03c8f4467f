package config_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func document(t *testing.T, text string) *config.Document {
	t.Helper()
	d, err := config.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCELEval(t *testing.T) {
	tests := []struct {
		name, expression, body string
		want                   bool
		err                    string
	}{
		{"true", `body.status == "ok"`, `{"status":"ok"}`, true, ""},
		{"false", `body.status == "ok"`, `{"status":"down"}`, false, ""},
		{"number", `body.n > 5 && body.n == 6`, `{"n":6}`, true, ""},
		{"list", `body.all(x, x.ok)`, `[{"ok":true},{"ok":false}]`, false, ""},
		{"null", `body == null`, `null`, true, ""},
		{"dyn that is a bool", `body.ok`, `{"ok":true}`, true, ""},
		{"dyn that is not", `body.ok`, `{"ok":"yes"}`, false, "got a result of type string, want bool"},
		{"no such key", `body.ok`, `{}`, false, "a key is missing"},
		{"no such key, asked", `has(body.ok)`, `{}`, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.NewCEL(tt.expression)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Eval(t.Context(), document(t, tt.body))
			switch {
			case tt.err == "" && err != nil, tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("got error %v, want %q", err, tt.err)
			case got != tt.want:
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// An expression can take any time, so the context has to end it.
func TestCELEvalStops(t *testing.T) {
	c, err := config.NewCEL(`body.all(a, body.all(b, body.all(c, body.all(d, a + b + c + d >= 0.0))))`)
	if err != nil {
		t.Fatal(err)
	}
	body := document(t, "["+strings.Repeat("1,", 1000)+"1]")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Eval(ctx, body); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	cancel()
	if _, err := c.Eval(ctx, body); err == nil {
		t.Error("evaluated after the end of the context")
	}
}

func TestCELConcurrent(t *testing.T) {
	c, err := config.NewCEL("body == 1.0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		one := document(t, "1")
		go func() {
			ok, err := c.Eval(t.Context(), one)
			if err == nil && !ok {
				err = errors.New("got false, want true")
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestExpressionsReadBack(t *testing.T) {
	type values struct {
		CEL    *config.CEL   `yaml:"cel"`
		Regexp config.Regexp `yaml:"regexp"`
		None   config.Regexp `yaml:"none"`
	}
	text := "cel: |-\n    body.a ==\n    \"x: #y\"\nregexp: '^\\s*\"?[a-z]: #$'\nnone: null\n"
	var v values
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if !v.Regexp.MatchString(`"a: #`) || v.Regexp.MatchString("1: #") {
		t.Errorf("%s does not match as it should", v.Regexp)
	}
	got, err := yaml.Marshal(v)
	if err != nil || string(got) != text {
		t.Errorf("got %v and\n%s\nwant\n%s", err, got, text)
	}
}
