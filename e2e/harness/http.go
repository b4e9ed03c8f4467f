package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client has a short timeout: all servers are on this machine.
var client = &http.Client{Timeout: 10 * time.Second}

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 8 << 20

// get returns the body of an answer with status 200.
func get(ctx context.Context, url string) (string, error) {
	return request(ctx, http.MethodGet, url)
}

// post sends an empty body and wants status 200.
func post(ctx context.Context, url string) error {
	_, err := request(ctx, http.MethodPost, url)
	return err
}

func request(ctx context.Context, method, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", url, err)
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s: %s", url, answer.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}
