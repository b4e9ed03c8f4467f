package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// serverTypes are the types in a server list, with the scheme to probe such a server.
var serverTypes = map[string]string{"1": "http", "6": "http", "2": "ws", "3": "ws", "4": "ws"}

// A server is an entry of the classic list.
type server struct {
	HostName     string      `json:"hostName"`
	Host         string      `json:"host"`
	Port         json.Number `json:"port"`
	Type         json.Number `json:"type"`
	Environment  string      `json:"environment"`
	Notification any         `json:"notification"`
}

// serverKeys are the keys of a server, in any case.
var serverKeys = []string{"hostname", "host", "port", "type", "environment", "notification"}

// Servers takes a JSON list of servers with hostName, host, port, type, environment and notification. Types 2, 3 and 4 are
// WebSocket servers, 1 and 6 answer GET; all of them by TLS where the port is 443.
func (im *Importer) Servers(name string, data []byte) error {
	data = withoutMark(data)
	var list []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&list); err != nil {
		return fmt.Errorf("reading %q: want a JSON list of servers: line %d", name, wrongLine(data, err))
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %q: there is something after the list", name)
	}
	others := map[string]int{}
	for i, raw := range list {
		im.server(fmt.Sprintf("%s: server %d", name, i), raw)
		var keys map[string]json.RawMessage
		_ = json.Unmarshal(raw, &keys) // what is not a server has none, and was reported
		for key := range keys {
			if !slices.Contains(serverKeys, strings.ToLower(key)) {
				others[key]++
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(others)) {
		im.drop("%s: %q has no equivalent here; %d of %d servers have it", name, key, others[key], len(list))
	}
	return nil
}

func (im *Importer) server(where string, raw []byte) {
	var s server
	if err := json.Unmarshal(raw, &s); err != nil {
		im.drop("%s: want hostName, host and environment as texts, and port and type as numbers", where)
		return
	}
	scheme, ok := serverTypes[s.Type.String()]
	if !ok {
		im.drop("%s (%q): type %q is neither HTTP (1, 6) nor WebSocket (2, 3, 4)", where, s.HostName, s.Type)
		return
	}
	address, err := s.address()
	if err != nil {
		im.drop("%s (%q): host: %v", where, s.HostName, err)
		return
	}
	if s.Port == "443" {
		scheme += "s"
	}
	fields := map[string]any{"name": s.HostName, "url": scheme + "://" + address + "/"}
	if s.Environment != "" {
		fields["environment"] = s.Environment
	}
	on, ok := switched(s.Notification)
	if !ok {
		im.drop("%s (%q): notification is neither on nor off, taken as on", where, s.HostName)
	}
	if !on {
		fields["notification"] = "off"
	}
	im.add(where, fields)
}

// address is host and port of a URL. The error does not repeat the host: it may hold credentials.
func (s *server) address() (string, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(s.Host, "["), "]")
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil && strings.ContainsAny(host, ":/?#@[]%"):
		return "", errors.New("want a name or an address alone, without scheme, user, port and path")
	case s.Port != "":
		return net.JoinHostPort(host, s.Port.String()), nil
	case addr.Is6():
		return "[" + host + "]", nil
	default:
		return host, nil
	}
}

// switched reads what people write for on and off. It is not ok if it is neither.
func switched(v any) (on, ok bool) {
	switch v := v.(type) {
	case nil:
		return true, true
	case bool:
		return v, true
	case float64:
		return v != 0, true
	case string:
		switch strings.ToLower(v) {
		case "0", "off", "false":
			return false, true
		case "", "1", "on", "true":
			return true, true
		}
	}
	return true, false
}
