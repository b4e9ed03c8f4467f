package config_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.yml", "testdata/good/*.yml", "*.yml"} {
		for _, file := range glob(f, pattern) {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<15 {
			return // the fuzzer's time is better spent
		}
		c, err := config.Parse("fuzz.yml", data)
		if err != nil {
			checkProblems(t, data, err)
			return
		}
		if err := strictly(data); err != nil && !strings.Contains(err.Error(), "excessive aliasing") {
			t.Fatalf("package yaml says %v, want an error", err)
		}
		first := render(t, c)
		again, err := config.Parse("fuzz.yml", first)
		if bytes.Contains(first, []byte("<secret>")) {
			return // a mask is not a key, a URL, …
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, first)
		}
		if second := render(t, again); !bytes.Equal(first, second) {
			t.Fatalf("got first\n%s\nthen\n%s", first, second)
		}
	})
}

// strictly reads data with package yaml alone: Parse must reject whatever that rejects.
func strictly(data []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&config.Config{}); err != nil {
		return err
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

func checkProblems(t *testing.T, data []byte, err error) {
	t.Helper()
	var problems config.Errors
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("got %T %v, want config.Errors", err, err)
	}
	last := 0
	for _, p := range problems {
		if p.File != "fuzz.yml" || p.Message == "" || strings.ContainsAny(p.String(), "\r\n") {
			t.Errorf("got problem %q", p)
		}
		if lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 3; p.Line < last || p.Line > lines {
			t.Errorf("got line %d after %d, of about %d", p.Line, last, lines)
		}
		last = p.Line
	}
}

func render(t *testing.T, c *config.Config) []byte {
	t.Helper()
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := yaml.Unmarshal(text, &parsed); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return text
}
