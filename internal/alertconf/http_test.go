package alertconf

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type answerError struct {
	code int
	said string
}

func (a answerError) Error() string   { return fmt.Sprintf("status %d, want 200", a.code) }
func (a answerError) StatusCode() int { return a.code }
func (a answerError) Said() string    { return a.said }

func TestReload(t *testing.T) {
	status := map[string]string{"api/v2/status": `{"config":{"original":""},"versionInfo":{"version":"0.25.0"}}`}
	away := errors.New("connection refused")
	for _, tt := range []struct {
		name    string
		err     error
		answers map[string]string
		want    error
	}{
		{"loaded", nil, nil, nil},
		{"away", away, nil, away},
		{"no credentials", answerError{401, ""}, nil, answerError{401, ""}},
		{"a proxy", answerError{502, "bad gateway"}, nil, answerError{502, "bad gateway"}},
		{"refused", answerError{500, "failed to reload config: undefined receiver \"x\" used in route"}, status, &RefusedError{"am-1 (0.25.0)", `undefined receiver "x" used in route`}},
		{"without a version", answerError{500, "no"}, nil, &RefusedError{"am-1", "no"}},
		{"without a word", answerError{500, ""}, nil, &RefusedError{"am-1", "it does not say why it refuses the configuration: see its log"}},
	} {
		got := NewHTTPServer("am-1", &fakeAPI{err: tt.err, answers: tt.answers}).Reload(t.Context())
		if diff := cmp.Diff(fmt.Sprintf("%T %v", tt.want, tt.want), fmt.Sprintf("%T %v", got, got)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestLoaded(t *testing.T) {
	for _, tt := range []struct {
		name, metrics string
		err           error
		hash          float64
		known         bool
		wrong         bool
	}{
		{"as it is", "# HELP alertmanager_config_hash Hash.\n# TYPE alertmanager_config_hash gauge\nalertmanager_config_hash 1.35219147891054e+14\nx 1\n", nil, 135219147891054, true, false},
		{"a longer name", "alertmanager_config_hash_x 1\n", nil, 0, false, false},
		{"not a number", "alertmanager_config_hash x\n", nil, 0, false, false},
		{"nothing", "", nil, 0, false, false},
		{"not there", "", answerError{404, ""}, 0, false, false},
		{"no credentials", "", answerError{401, ""}, 0, false, true},
		{"away", "", errors.New("connection refused"), 0, false, true},
	} {
		hash, known, err := NewHTTPServer("am-1", &fakeAPI{err: tt.err, answers: map[string]string{"metrics": tt.metrics}}).Loaded(t.Context())
		if hash != tt.hash || known != tt.known || (err != nil) != tt.wrong {
			t.Errorf("%s: %v, %v, %v", tt.name, hash, known, err)
		}
	}
}
