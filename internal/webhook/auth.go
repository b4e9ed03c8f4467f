package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
)

// An Authenticator knows who may send alerts. The zero Authenticator lets nobody in.
type Authenticator struct {
	// Bearer is the token, or else BearerFile the file that holds it.
	Bearer, BearerFile string
	// Username and Password are those of basic authentication, or else the files that hold them.
	Username, UsernameFile string
	Password, PasswordFile string
	// Anybody lets everybody in.
	Anybody bool
}

// Authenticate tells whether the request has the right credentials. Files are read anew, so that a rotated secret is
// used at once. The comparison takes the same time whatever was sent. An error means that it cannot be known.
func (a *Authenticator) Authenticate(r *http.Request) (bool, error) {
	switch {
	case a.Anybody:
		return true, nil
	case a.Bearer != "" || a.BearerFile != "":
		want, err := secret(a.Bearer, a.BearerFile)
		if err != nil {
			return false, err
		}
		scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		return strings.EqualFold(scheme, "Bearer") && equal(got, want), nil
	default:
		return a.basic(r)
	}
}

func (a *Authenticator) basic(r *http.Request) (bool, error) {
	username, err := secret(a.Username, a.UsernameFile)
	if err != nil {
		return false, err
	}
	password, err := secret(a.Password, a.PasswordFile)
	if err != nil {
		return false, err
	}
	gotName, gotPassword, _ := r.BasicAuth()
	// Both are compared in any case: the time must not tell which one was wrong.
	nameOK, passwordOK := equal(gotName, username), equal(gotPassword, password)
	return nameOK && passwordOK, nil
}

// Admit answers 200 and no error if the request has the right credentials. Otherwise what it returns is the answer to give, of
// which the header is set already.
func (a *Authenticator) Admit(w http.ResponseWriter, r *http.Request, log *slog.Logger) (code int, err error) {
	ok, err := a.Authenticate(r)
	switch {
	case err != nil:
		log.Error("Reading the receiver's credentials failed", "err", err)
		return http.StatusServiceUnavailable, errors.New("the credentials cannot be read, see the log") // Alertmanager tries again
	case !ok:
		w.Header().Set("WWW-Authenticate", a.Challenge())
		return http.StatusUnauthorized, errors.New("the credentials are missing or wrong")
	default:
		return http.StatusOK, nil
	}
}

// User is the name by which an admitted request authenticated itself. Empty: it has none, as with a token.
func (a *Authenticator) User(r *http.Request) string {
	if a.Anybody || a.Bearer != "" || a.BearerFile != "" {
		return ""
	}
	name, _, _ := r.BasicAuth()
	return name
}

// Challenge is the value of WWW-Authenticate (RFC 9110 section 11.6.1).
func (a *Authenticator) Challenge() string {
	if a.Bearer != "" || a.BearerFile != "" {
		return `Bearer realm="healthcheck_exporter"`
	}
	return `Basic realm="healthcheck_exporter"`
}

// equal compares in constant time, whatever the lengths. An empty secret equals nothing.
func equal(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1 && want != ""
}

func secret(inline, file string) (string, error) {
	if file == "" {
		return inline, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the receiver's credentials: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
