// Package access knows who a request is from, and what he may do.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A Door says who is let in at the moment. An error is why nobody is, and status is that of the answer that says so.
type Door func() (auth Authenticator, status int, err error)

// An Authenticator knows the credentials of who is let in. The zero Authenticator lets nobody in.
type Authenticator struct {
	// Bearer is the token, or else BearerFile the file that holds it.
	Bearer, BearerFile string
	// Username and Password are those of basic authentication, or else the files that hold them.
	Username, UsernameFile string
	Password, PasswordFile string
	// Anybody lets everybody in.
	Anybody bool
}

// OfReceiver is the Authenticator of who may send alerts.
func OfReceiver(r *config.Receiver) Authenticator {
	a := Authenticator{Bearer: string(r.BearerToken), BearerFile: r.BearerTokenFile, Anybody: r.Insecure}
	if b := r.BasicAuth; b != nil {
		a.Username, a.UsernameFile = b.Username, b.UsernameFile
		a.Password, a.PasswordFile = string(b.Password), b.PasswordFile
	}
	return a
}

// Authenticate reports whether the request has the right credentials. Files are read anew, so that a rotated secret is
// used at once. The comparison takes the same time whatever was sent. An error says why that is unknown.
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

// Admit returns 200 and no error if the request has the right credentials. Otherwise it returns the answer to give, and has
// set the header of that answer.
func (a *Authenticator) Admit(w http.ResponseWriter, r *http.Request, log *slog.Logger) (status int, err error) {
	ok, err := a.Authenticate(r)
	switch {
	case err != nil:
		log.Error("Reading credentials failed", "err", err)
		return http.StatusServiceUnavailable, errors.New("the credentials cannot be read, see the log") // Alertmanager tries again
	case !ok:
		w.Header().Set("WWW-Authenticate", a.Challenge())
		return http.StatusUnauthorized, ErrCredentials
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
		return bearerChallenge
	}
	return basicChallenge
}

// The challenges.
const (
	bearerChallenge = `Bearer realm="healthcheck_exporter"`
	basicChallenge  = `Basic realm="healthcheck_exporter"`
)

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
		return "", fmt.Errorf("reading credentials: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
