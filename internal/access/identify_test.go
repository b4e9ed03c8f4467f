package access

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

const (
	tokenOfCI   = "ci-6d1f0a93c27be85440f9b3d7a1e6c852"
	tokenOfSync = "sync-6d1f0a93c27be85440f9b3d7a1e6c8"
	tokenOfAM   = "am"
)

// hashed is the hash of everybody's password.
var hashed = sync.OnceValues(func() ([]byte, error) {
	return bcrypt.GenerateFromPassword([]byte("pässword"), bcrypt.MinCost)
})

// house is an Identifier with one user for each way to be known.
func house(t *testing.T, anonymous string) *Identifier {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(tokenOfSync+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	trusted := func(s string) config.Prefix { return config.Prefix{Prefix: netip.MustParsePrefix(s)} }
	hash, err := hashed()
	if err != nil {
		t.Fatal(err)
	}
	return &Identifier{
		Access: &config.Access{
			Anonymous: anonymous,
			Users: []config.User{
				{Name: "alice", Role: config.RoleEdit},
				{Name: "ci", Role: config.RoleOperate, Environments: []string{"DEV"}, BearerToken: tokenOfCI},
				{Name: "am-1", Role: config.RoleSync, BearerTokenFile: file},
				{Name: "odd", Role: "root"},
			},
			Proxy: config.AccessProxy{UserHeader: "X-Forwarded-User", Trusted: []config.Prefix{trusted("10.0.0.0/8"), trusted("2001:db8::/32")}},
		},
		Receiver: Authenticator{Bearer: tokenOfAM},
		Passwords: &Passwords{Read: func() (map[string]string, error) {
			return map[string]string{"alice": string(hash), "prometheus": string(hash), "ci": string(hash), "odd": string(hash)}, nil
		}},
		Log: slog.New(slog.DiscardHandler),
	}
}

func request(t *testing.T, from string, header http.Header) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = from
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	return r
}

func authorization(text string) http.Header { return http.Header{"Authorization": {text}} }

func basic(name, password string) http.Header {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header
}

func user(values ...string) http.Header { return http.Header{"X-Forwarded-User": values} }

var (
	alice     = Identity{Name: "alice", Role: Edit, Listed: true}
	ci        = Identity{Name: "ci", Role: Operate, Environments: []string{"DEV"}, Listed: true}
	anonymous = Identity{Role: Read}
	wrong     = Identity{Name: "(refused)"}
)

func TestIdentify(t *testing.T) {
	both := user("alice")
	both["Authorization"] = []string{"Bearer " + tokenOfCI}
	wrongToo := user("alice")
	wrongToo["Authorization"] = []string{"Basic bm90Om91cnM="}
	stranger := user("alice")
	stranger["Authorization"] = []string{"Bearer wrong"}
	const outside, proxy = "192.0.2.1:5", "10.1.2.3:5"
	for _, tc := range []struct {
		name   string
		from   string
		header http.Header
		want   Identity
	}{
		{"nothing", outside, nil, anonymous},
		{"token", outside, authorization("Bearer " + tokenOfCI), ci},
		{"token, other case of the scheme", outside, authorization("bEARER " + tokenOfCI), ci},
		{"token of a file", outside, authorization("Bearer " + tokenOfSync), Identity{Name: "am-1", Role: Sync, Listed: true}},
		{"wrong token", outside, authorization("Bearer wrong"), wrong},
		{"half a token", outside, authorization("Bearer " + tokenOfCI[:32]), wrong},
		{"more than a token", outside, authorization("Bearer " + tokenOfCI + " "), wrong},
		{"token in another case", outside, authorization("Bearer " + strings.ToUpper(tokenOfCI)), wrong},
		{"empty token", outside, authorization("Bearer "), wrong},
		{"empty header", outside, authorization(""), wrong},
		{"another scheme", outside, authorization("Digest " + tokenOfCI), wrong},
		{"two headers", outside, http.Header{"Authorization": {"Bearer " + tokenOfCI, "Bearer x"}}, wrong},
		{"token as a password", outside, basic("ci", tokenOfCI), wrong},
		{"the receiver's", outside, authorization("Bearer " + tokenOfAM), anonymous},

		{"password", outside, basic("alice", "pässword"), alice},
		{"password of one who is not listed", outside, basic("prometheus", "pässword"), Identity{Name: "prometheus", Role: Read}},
		{"password of one who has a token", outside, basic("ci", "pässword"), Identity{Name: "ci", Role: Read}},
		{"password of one with a role of tomorrow", outside, basic("odd", "pässword"), Identity{Name: "odd", Listed: true}},
		{"wrong password", outside, basic("alice", "password"), wrong},
		{"no password", outside, basic("alice", ""), wrong},
		{"nobody's password", outside, basic("bob", "pässword"), wrong},
		{"no name", outside, basic("", "pässword"), wrong},
		{"the name in another case", outside, basic("Alice", "pässword"), wrong},

		{"proxy", proxy, user("alice"), alice},
		{"proxy, one who is not listed", proxy, user("bob"), Identity{Name: "bob", Role: Read}},
		{"proxy, one who has a token", proxy, user("ci"), Identity{Name: "ci", Role: Read}},
		{"proxy, nobody", proxy, nil, anonymous},
		{"proxy, empty", proxy, user(""), anonymous},
		{"proxy, two headers", proxy, user("mallory", "alice"), wrong},
		{"proxy, two headers, one is empty", proxy, user("", "alice"), wrong},
		{"proxy, two names", proxy, user("mallory, alice"), wrong},
		{"proxy, one and a comma", proxy, user("alice,"), wrong},
		{"proxy, too long", proxy, user(strings.Repeat("a", longestName+1)), wrong},
		{"proxy, does not print", proxy, user("al\u202eice"), wrong},
		{"proxy, not UTF-8", proxy, user("al\xffice"), wrong},
		{"proxy, Korean", proxy, user("서버"), Identity{Name: "서버", Role: Read}},
		{"proxy, with a token", proxy, both, alice},
		{"proxy, which passes its own password on", proxy, wrongToo, alice},
		{"proxy, a token alone", proxy, authorization("Bearer " + tokenOfCI), ci},
		{"proxy, a wrong token alone", proxy, authorization("Bearer x"), wrong},
		{"proxy by IPv6", "[2001:db8::1]:5", user("alice"), alice},
		{"proxy by IPv4 in IPv6", "[::ffff:10.1.2.3]:5", user("alice"), alice},

		{"spoofed", outside, user("alice"), anonymous},
		{"spoofed, two", outside, user("alice", "alice"), anonymous},
		{"spoofed by IPv6", "[2001:db9::1]:5", user("alice"), anonymous},
		{"spoofed with a zone", "[2001:db8::1%eth0]:5", user("alice"), anonymous},
		{"spoofed by an address that only looks so", "[2001:db8::10.1.2.3%10.0.0.1]:5", user("alice"), anonymous},
		{"spoofed without an address", "@", user("alice"), anonymous},
		{"spoofed with a token", outside, both, ci},
		{"spoofed with a wrong token", outside, stranger, wrong},
	} {
		for _, setting := range []string{"", config.AnonymousRead, config.AnonymousNone} {
			t.Run(tc.name+" "+setting, func(t *testing.T) {
				want := tc.want
				if setting == config.AnonymousNone && cmp.Equal(want, anonymous) {
					want = Identity{}
				}
				got, err := house(t, setting).Identify(request(t, tc.from, tc.header))
				if cmp.Equal(want, wrong) != errors.Is(err, ErrCredentials) {
					t.Errorf("it is %v, %v, want %v", got, err, want)
				}
				if cmp.Equal(want, wrong) {
					want = Identity{}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("identity (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// Without a section everything is as it was before there were roles.
func TestIdentifyWithoutAccess(t *testing.T) {
	i := &Identifier{Log: slog.New(slog.DiscardHandler)}
	for _, header := range []http.Header{nil, authorization("Bearer x"), basic("alice", "x"), user("alice"), authorization("Negotiate x")} {
		if id, err := i.Identify(request(t, "127.0.0.1:5", header)); err != nil || !cmp.Equal(id, anonymous) {
			t.Errorf("%v is %v, %v", header, id, err)
		}
	}
}

// While a file cannot be read, or has become useless, those with other tokens are let in and nobody is let in for less.
func TestIdentifyWithBrokenFiles(t *testing.T) {
	for name, text := range map[string]string{"gone": "", "short": "short", "the same as another": tokenOfCI} {
		t.Run(name, func(t *testing.T) {
			i := house(t, config.AnonymousRead)
			file := i.Access.Users[2].BearerTokenFile
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if text == "" {
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
			}
			id, err := i.Identify(request(t, "192.0.2.1:5", authorization("Bearer "+tokenOfCI)))
			if text == tokenOfCI {
				if err == nil || errors.Is(err, ErrCredentials) || strings.Contains(err.Error(), tokenOfCI) {
					t.Errorf("a token that two have is %v, %v", id, err)
				}
				return
			}
			if err != nil || !cmp.Equal(id, ci) {
				t.Errorf("another token is %v, %v", id, err)
			}
			for _, token := range []string{"short", "wrong", ""} {
				id, err := i.Identify(request(t, "192.0.2.1:5", authorization("Bearer "+token)))
				if err == nil || errors.Is(err, ErrCredentials) || !cmp.Equal(id, Identity{}) || strings.Contains(err.Error(), `"short"`) {
					t.Errorf("token %q is %v, %v, want an error that says what is broken", token, id, err)
				}
			}
			if id, err := i.Identify(request(t, "192.0.2.1:5", authorization("Bearer "+tokenOfAM))); err != nil || !cmp.Equal(id, anonymous) {
				t.Errorf("the receiver's token is %v, %v", id, err)
			}
		})
	}
}

// A name is not believed because the toolkit has passed it on: when it looked, the file may have had no passwords.
func TestPasswordsAreChecked(t *testing.T) {
	i := house(t, config.AnonymousRead)
	hashes, _ := i.Passwords.Read()
	var now map[string]string
	var broken error
	i.Passwords.Read = func() (map[string]string, error) { return now, broken }
	try := func(password string) error {
		_, err := i.Identify(request(t, "192.0.2.1:5", basic("alice", password)))
		return err
	}
	if err := try("pässword"); !errors.Is(err, ErrCredentials) {
		t.Errorf("without passwords: %v", err)
	}
	now = hashes
	for range 2 { // the second time it is remembered
		if err := try("pässword"); err != nil {
			t.Errorf("with passwords: %v", err)
		}
		if err := try("x"); !errors.Is(err, ErrCredentials) {
			t.Errorf("a wrong password: %v", err)
		}
	}
	now = map[string]string{"alice": "not a hash"}
	if err := try("pässword"); !errors.Is(err, ErrCredentials) {
		t.Errorf("after a change: %v", err)
	}
	broken = errors.New("no such file")
	if err := try("pässword"); !errors.Is(err, broken) {
		t.Errorf("without the file: %v", err)
	}
	for n := range 3 * maxPasswords {
		i.Passwords.mu.Lock()
		if i.Passwords.right == nil || len(i.Passwords.right) > maxPasswords {
			t.Fatalf("%d passwords are remembered, want %d at most", len(i.Passwords.right), maxPasswords)
		}
		i.Passwords.mu.Unlock()
		text := strconv.Itoa(n)
		hash, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
		if err != nil || !i.Passwords.matches(string(hash), text) {
			t.Fatalf("password %s is wrong: %v", text, err)
		}
	}
}

// A password that is remembered does not wait for one that is being computed: anybody can send one that takes long.
func TestKnownPasswordDoesNotWait(t *testing.T) {
	i := house(t, config.AnonymousRead)
	alice := request(t, "192.0.2.1:5", basic("alice", "pässword"))
	if _, err := i.Identify(alice); err != nil {
		t.Fatal(err)
	}
	i.Passwords.computing.Lock() // as while a hash is computed
	defer i.Passwords.computing.Unlock()
	done := make(chan error, 1)
	go func() {
		_, err := i.Identify(alice)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it waits")
	}
}

func TestChallenge(t *testing.T) {
	i := house(t, "")
	if got := i.Challenge(); got != `Basic realm="healthcheck_exporter"` {
		t.Errorf("with passwords it is %q", got)
	}
	i.Passwords = nil
	if got := i.Challenge(); got != `Bearer realm="healthcheck_exporter"` {
		t.Errorf("without passwords it is %q", got)
	}
}
