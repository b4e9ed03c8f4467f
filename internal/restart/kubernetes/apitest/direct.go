package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/kubernetes/api"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/once"
)

// A Direct calls a server without a connection, for tests with a clock of their own. It has the method of api.Client.
type Direct struct{ Server *Server }

// Do sends a request once, as that of api.Client does.
func (d *Direct) Do(ctx context.Context, r api.Request, out any) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", once.ErrNotSent, err)
	}
	body, err := json.Marshal(r.Body)
	if err != nil {
		return err
	}
	req := httptest.NewRequestWithContext(ctx, r.Method, r.Path+"?"+r.Query.Encode(), bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+Token)
	req.Header.Set("Content-Type", r.ContentType)
	answer := httptest.NewRecorder()
	d.Server.Config.Handler.ServeHTTP(answer, req)
	if answer.Code != http.StatusOK {
		return &once.StatusError{Code: answer.Code}
	}
	return json.Unmarshal(answer.Body.Bytes(), out)
}
