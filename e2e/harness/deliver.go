package harness

import (
	"bytes"
	"context"
	"net/http"
)

// Deliver sends a webhook to the exporter as Alertmanager does, and returns the status of the answer. If the token is empty none
// is sent.
func (s *Stack) Deliver(ctx context.Context, token string, body []byte) (int, error) {
	return deliver(ctx, s.ExporterURL(), token, body)
}

func deliver(ctx context.Context, exporter, token string, body []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, exporter+WebhookPath, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
