package access

import (
	"net/http"
	"strings"
	"testing"
)

// Nobody gets a role by what he sends, unless it is a token, a password, or the header from the proxy.
func FuzzIdentify(f *testing.F) {
	f.Add("192.0.2.1:1", "alice", "Bearer "+tokenOfCI)
	f.Add("10.0.0.1:1", "alice, bob", "")
	f.Add("[fe80::1%10.0.0.1]:1", "alice", "Basic YWxpY2U6eA==")
	f.Add("10.0.0.1", "\x00", "bearer")
	f.Fuzz(func(t *testing.T, from, header, authorization string) {
		i := house(t, "none")
		i.Passwords = nil // each costs time
		r := request(t, from, http.Header{"X-Forwarded-User": {header}, "Authorization": {authorization}})
		id, err := i.Identify(r)
		byProxy := i.trusts(from) && header != ""
		_, token, _ := strings.Cut(authorization, " ")
		byToken := token == tokenOfCI || token == tokenOfSync
		switch {
		case err != nil && (id.Role != None || id.Name != ""):
			t.Errorf("an error comes with %s", &id)
		case id.Role != None && !byProxy && !byToken:
			t.Errorf("%q from %q with %q is %s", header, from, authorization, &id)
		case id.Role == Edit && (!byProxy || strings.TrimSpace(header) != "alice"):
			t.Errorf("%q from %q with %q is %s", header, from, authorization, &id)
		}
	})
}
