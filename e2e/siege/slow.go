package main

import (
	"context"
	"time"
)

// holding is how long a connection is kept if the exporter does not end it.
const holding = 10 * time.Minute

// hold sends text on a new connection and keeps the connection until the exporter ends it. It returns in coarse steps how long that
// took. A deaf client reads nothing and sends the text again until the exporter takes no more.
func (a *attacker) hold(ctx context.Context, text string, deaf bool) (string, error) {
	conn, err := dialer(a.from).DialContext(ctx, "tcp", a.exporter.address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	from := time.Now()
	_ = conn.SetDeadline(from.Add(holding)) // TCP connections support deadlines
	if _, err := conn.Write([]byte(text)); err != nil {
		return "", err
	}
	buffer := make([]byte, 4096)
	for err == nil {
		if deaf {
			_, err = conn.Write([]byte(text))
		} else {
			_, err = conn.Read(buffer)
		}
	}
	const step = 10 * time.Second
	return "ended within " + (time.Since(from).Truncate(step) + step).String(), nil
}

// unsentBody announces a body and does not send it, on one path after the other.
func unsentBody(ctx context.Context, a *attacker) (string, error) {
	requests := []string{
		"POST /webhook/alertmanager", "POST /-/reload", "PUT /-/reload", "GET /-/healthy", "GET /-/ready", "GET /", "GET /sd", "GET /metrics", "GET /config",
		"GET /logs", "GET /probe?name=healthy-0", "GET /probe/all?environment=NONE", "GET /api/v1/targets", "GET /api/v1/restarts",
		"POST /api/v1/restarts/spare/pause", "GET /none", "DELETE /", "OPTIONS *", "PUT /probe",
	}
	r := requests[(a.id+a.n)%len(requests)]
	return a.hold(ctx, r+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", false)
}

func unendedHeaders(ctx context.Context, a *attacker) (string, error) {
	return a.hold(ctx, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", false)
}

func unreadAnswers(ctx context.Context, a *attacker) (string, error) {
	paths := []string{"/sd", "/api/v1/targets", "/", "/metrics", "/config"}
	return a.hold(ctx, "GET "+paths[a.id%len(paths)]+" HTTP/1.1\r\nHost: x\r\n\r\n", true)
}
