package probetest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The close codes of graphql-transport-ws: github.com/graphql/graphql-over-http, rfcs/GraphQLOverWebSocket.md, and
// 4406 of the package graphql-ws.
const (
	graphQLBadRequest     = 4400
	graphQLUnauthorized   = 4401
	graphQLNotAcceptable  = 4406
	graphQLInitTimeout    = 4408
	graphQLTooManyInits   = 4429
	graphQLSubprotocol    = "graphql-transport-ws"
	graphQLInitialisation = 3 * time.Second
)

// GraphQLWS starts a server of the subprotocol graphql-transport-ws that knows only the query { __typename }. Others
// get an error. Once a client has initialised the connection the server pings, as it may, before it acknowledges. It
// closes, as graphql-ws does, with 4400 after an invalid message, 4401 after a subscription before the acknowledgement,
// 4406 without the subprotocol, 4408 after 3 seconds without an initialisation, and 4429 after a second one.
func GraphQLWS(t testing.TB) *Server {
	t.Helper()
	return GraphQLWSWithin(t, graphQLInitialisation)
}

// GraphQLWSWithin is GraphQLWS with another time to initialise the connection.
func GraphQLWSWithin(t testing.TB, initialisation time.Duration) *Server {
	t.Helper()
	u := &websocket.Upgrader{Subprotocols: []string{graphQLSubprotocol}}
	return asWebSocket(Serve(t, upgrade(u, nil, func(c *websocket.Conn, r *http.Request) {
		if c.Subprotocol() == "" {
			closeWith(c, graphQLNotAcceptable, "Subprotocol not acceptable")
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		g := &graphQLConn{c: c, initialised: cancel}
		wg.Go(func() {
			pause(ctx, initialisation)
			if ctx.Err() == nil { // The close frame makes all other writes fail; serve then waits for the client's.
				_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(graphQLInitTimeout, "Connection initialisation timeout"), time.Time{})
			}
		})
		g.serve()
	})))
}

// A graphQLConn is a connection that one goroutine reads.
type graphQLConn struct {
	c           *websocket.Conn
	initialised func() // stops the clock
	inits       int
}

type graphQLMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func (g *graphQLConn) serve() {
	for {
		_, data, err := g.c.ReadMessage()
		if err != nil {
			return
		}
		if code, reason := g.handle(data); code != 0 {
			closeWith(g.c, code, reason)
			return
		}
	}
}

// handle answers a message. If it returns a code the connection is to be closed with it.
func (g *graphQLConn) handle(data []byte) (code int, reason string) {
	m, ok := parseGraphQL(data)
	switch {
	case !ok:
		return graphQLBadRequest, "Invalid message received"
	case m.Type == "connection_init":
		g.inits++
		if g.inits > 1 {
			return graphQLTooManyInits, "Too many initialisation requests"
		}
		g.initialised()
		g.send(graphQLMessage{Type: "ping"}, graphQLMessage{Type: "connection_ack"})
	case m.Type == "ping":
		g.send(graphQLMessage{Type: "pong", Payload: m.Payload})
	case m.Type == "subscribe" && g.inits == 0:
		return graphQLUnauthorized, "Unauthorized"
	case m.Type == "subscribe":
		g.execute(m)
	} // The rest is a pong, or a complete that comes too late.
	return 0, ""
}

// typenameQuery matches a query for only the type of the root, in all ways to write that without comments.
var typenameQuery = regexp.MustCompile(`^[\s,]*(query(\s+\w+)?[\s,]*)?\{[\s,]*__typename[\s,]*\}[\s,]*$`)

func (g *graphQLConn) execute(m graphQLMessage) {
	var payload struct {
		Query string `json:"query"`
	}
	_ = json.Unmarshal(m.Payload, &payload) // It was parsed before.
	if !typenameQuery.MatchString(payload.Query) {
		g.send(graphQLMessage{ID: m.ID, Type: "error", Payload: json.RawMessage(`[{"message":"this server knows __typename alone"}]`)})
		return
	}
	g.send(graphQLMessage{ID: m.ID, Type: "next", Payload: json.RawMessage(`{"data":{"__typename":"Query"}}`)},
		graphQLMessage{ID: m.ID, Type: "complete"})
}

// send sends messages. If that fails the next read does too.
func (g *graphQLConn) send(messages ...graphQLMessage) {
	for _, m := range messages {
		b, _ := json.Marshal(m) // What was parsed, and strings, can be encoded.
		_ = g.c.WriteMessage(websocket.TextMessage, b)
	}
}

// parseGraphQL reports whether data is a message that a client may send.
func parseGraphQL(data []byte) (m graphQLMessage, ok bool) {
	if json.Unmarshal(data, &m) != nil {
		return m, false
	}
	switch m.Type {
	case "connection_init", "ping", "pong":
		return m, isObjectOrNull(m.Payload)
	case "complete":
		return m, m.ID != ""
	case "subscribe":
		var p struct {
			Query         *string         `json:"query"`
			OperationName *string         `json:"operationName"`
			Variables     json.RawMessage `json:"variables"`
			Extensions    json.RawMessage `json:"extensions"`
		}
		return m, m.ID != "" && json.Unmarshal(m.Payload, &p) == nil && p.Query != nil && isObjectOrNull(p.Variables) && isObjectOrNull(p.Extensions)
	}
	return m, false
}

// isObjectOrNull is also true for what is missing.
func isObjectOrNull(b json.RawMessage) bool {
	b = bytes.TrimSpace(b)
	return len(b) == 0 || b[0] == '{' || string(b) == "null"
}
