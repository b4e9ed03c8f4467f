package prober

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

// Mask stands for everything in a URL that may be secret.
const Mask = "***"

// The beginning of a URL, and of a URL that was percent-encoded as a whole.
var (
	plainScheme   = regexp.MustCompile(`^(?i)[a-z][a-z0-9+.-]*://`)
	encodedScheme = regexp.MustCompile(`^(?i)[a-z][a-z0-9+.-]*%3a%2f%2f`)
)

// schemes are the ones that a prober knows. A target without a scheme gets the first one.
func schemes(prober string) []string {
	if prober == "websocket" {
		return []string{"ws", "wss"}
	}
	return []string{"http", "https"}
}

// ParseTarget turns the target of a query or a command line into an absolute URL for the named prober. A target without
// a scheme gets http or ws. For a WebSocket, http and https stand for ws and wss, as in browsers. A target whose "://"
// is percent-encoded is decoded once. The query is kept byte for byte. The error never repeats the target, which may
// hold credentials, except for the host and port of what was probably meant.
func ParseTarget(target, prober string) (*url.URL, error) {
	if target == "" {
		return nil, errors.New("target is empty")
	}
	given := target
	switch {
	case encodedScheme.MatchString(target):
		decoded, err := url.PathUnescape(target)
		if err != nil {
			return nil, errors.New("target is percent-encoded wrongly")
		}
		target = decoded
	case !plainScheme.MatchString(target):
		target = schemes(prober)[0] + "://" + target
	}
	u, err := url.Parse(target)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // without the URL
		}
		return nil, fmt.Errorf("target is not a URL: %s%s", reasonOf(err), config.MeantURL(given))
	}
	if ws, ok := map[string]string{"http": "ws", "https": "wss"}[u.Scheme]; ok && prober == "websocket" {
		u.Scheme = ws
	}
	if err := checkTarget(u, prober); err != nil {
		return nil, fmt.Errorf("%w%s", err, config.MeantURL(given))
	}
	// A space can only come from a client that decoded too much. If it were sent as it is, it would end the request
	// line.
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20")
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// ValidHost reports whether net/http sends host, which may have a port, as a Host header.
func ValidHost(host string) bool {
	u, err := url.Parse("http://" + host + "/")
	return err == nil && u.Host == host && u.Hostname() != "" && checkTarget(u, "http") == nil
}

func validHost(host string) bool {
	ascii, err := httpguts.PunycodeHostPort(host)
	return err == nil && httpguts.ValidHostHeader(ascii)
}

func checkTarget(u *url.URL, prober string) error {
	if want := schemes(prober); !slices.Contains(want, u.Scheme) {
		return fmt.Errorf("target has scheme %q, want %s", u.Scheme, strings.Join(want, " or "))
	}
	if u.Hostname() == "" {
		return errors.New("target has no host")
	}
	if !validHost(u.Host) {
		return errors.New("target has an invalid character in its host name")
	}
	if strings.HasSuffix(u.Host, ":") {
		return errors.New("target has an empty port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("target has port %s, want 1 to 65535", port)
		}
	}
	return nil
}

// reasonOf keeps the kind of a URL error and drops its detail, which quotes parts of the URL.
func reasonOf(err error) string {
	var (
		escape url.EscapeError
		host   url.InvalidHostError
	)
	switch {
	case errors.As(err, &escape):
		return "it has an invalid percent-encoding"
	case errors.As(err, &host):
		return "it has an invalid character in its host name"
	case strings.Contains(err.Error(), "invalid port"):
		return "its port is not a number"
	case strings.Contains(err.Error(), "control character"):
		return "it has a control character"
	default:
		return "it cannot be parsed"
	}
}

// MaskURL renders u for people and logs: without userinfo and fragment, with every query value masked, and cut.
func MaskURL(u *url.URL) string {
	c := *u
	c.User, c.Fragment, c.RawFragment = nil, "", ""
	c.RawQuery = maskQuery(c.RawQuery)
	if c.Opaque != "" { // as in http:user:password@host, where the parts cannot be told apart
		c.Opaque = Mask
	}
	return printable.Text(c.String(), printable.MaxURL)
}

func maskQuery(query string) string {
	if query == "" {
		return ""
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		if key, _, ok := strings.Cut(pair, "="); ok {
			pairs[i] = key + "=" + Mask
		} else if pair != "" {
			pairs[i] = Mask
		}
	}
	return strings.Join(pairs, "&")
}

// hostPort is the address that u names, in ASCII, with the port of its scheme if it names none.
func hostPort(u *url.URL) (host, port string) {
	host, port = asciiHost(u.Hostname()), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return host, port
}

// asciiHost is host as DNS and TLS know it (RFC 5891). A name without such a form is left for them to refuse.
func asciiHost(host string) string {
	for i := range len(host) {
		if host[i] >= 0x80 {
			return config.ASCIIHost(host)
		}
	}
	return host
}

// asciiAuthority is asciiHost for a host with or without a port, so that a request names the host that is resolved and
// judged. For a name with capitals or unusual dots, net/http would send another name.
func asciiAuthority(authority string) string {
	u := url.URL{Host: authority}
	name, port := u.Hostname(), u.Port()
	host := asciiHost(name)
	switch {
	case host == name:
		return authority
	case port != "":
		return host + ":" + port
	default:
		return host
	}
}
