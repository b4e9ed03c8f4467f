package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"
)

// client asks a server that is near.
var client = &http.Client{Timeout: 10 * time.Second}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

// Ask evaluates every expression of a dashboard and wants data. What it got is written to out, a line each.
func (d *Dashboard) Ask(ctx context.Context, server string, out io.Writer) []string {
	var f findings
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\tseries\tvalue\tof\n", d.Title)
	for _, e := range d.expressions() {
		series, err := query(ctx, server, expand(e.expr))
		switch {
		case err != nil:
			f.want(false, "%s: %v", e.where, err)
		case len(series) == 0:
			f.want(false, "%s: no data: %s", e.where, expand(e.expr))
		default:
			fmt.Fprintf(w, "%s\t%d\t%v\t%v\n", e.where, len(series), series[0].Value[1], series[0].Metric)
		}
	}
	_ = w.Flush() // what cannot be written is no finding
	return f
}

// A series is one of an answer; its value is a time and a text.
type series struct {
	Metric map[string]string
	Value  [2]any
}

func query(ctx context.Context, server, expr string) ([]series, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+"/api/v1/query?query="+url.QueryEscape(expr), http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var body struct {
		Error string
		Data  struct{ Result []series }
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&body); err != nil {
		return nil, fmt.Errorf("decoding the answer of Prometheus, status %d: %w", answer.StatusCode, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %q: status %d: %s", expr, answer.StatusCode, body.Error)
	}
	return body.Data.Result, nil
}
