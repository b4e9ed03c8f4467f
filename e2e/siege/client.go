package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// A client sends requests from one address of 127.0.0.0/8.
type client struct{ http.Client }

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 32 << 20

func newClient(from string, timeout time.Duration) *client {
	return &client{http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DialContext: dialer(from).DialContext, MaxIdleConnsPerHost: 100},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func dialer(from string) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
}

// do sends a request and returns the status and the body.
func (c *client) do(ctx context.Context, method, url string, header map[string]string, body io.Reader) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, text, err
}

// get returns only the status.
func (c *client) get(ctx context.Context, url string, header map[string]string) (int, error) {
	status, _, err := c.do(ctx, http.MethodGet, url, header, http.NoBody)
	return status, err
}
