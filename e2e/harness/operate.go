package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// OperatorToken is the bearer token of who may mute and maintain, where the Options have an Operator.
const OperatorToken = "not-a-real-token-of-an-operator-0"

// Operate sends what an operator says to a path of the exporter, and returns the answer, whose status has to be 2xx. Gone says that
// it is 404.
func (s *Stack) Operate(ctx context.Context, method, path, body string) (text string, gone bool, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.ExporterURL()+path, strings.NewReader(body))
	if err != nil {
		return "", false, err
	}
	r.Header.Set("Authorization", "Bearer "+OperatorToken)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", false, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return "", false, fmt.Errorf("reading %s: %w", path, err)
	}
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return string(b), true, nil
	case answer.StatusCode/100 != 2:
		return "", false, fmt.Errorf("%s %s answered %s: %s", method, path, answer.Status, b)
	}
	return string(b), false, nil
}
