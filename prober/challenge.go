package prober

import (
	"net/http"
	"strings"
)

// Challenge is an authentication scheme that an answer asks for (RFC 9110 section 11), from a closed list.
type Challenge string

// The schemes of authentication.
const (
	ChallengeNone      Challenge = "" // the answer names none
	ChallengeBasic     Challenge = "Basic"
	ChallengeBearer    Challenge = "Bearer"
	ChallengeDigest    Challenge = "Digest"
	ChallengeNTLM      Challenge = "NTLM"
	ChallengeNegotiate Challenge = "Negotiate"
	ChallengeOther     Challenge = "another scheme"
)

// Authentication is what an answer asks of the client, and what the client had sent.
type Authentication struct {
	// Challenge is the scheme that is asked for: the first one that this program can send, or else the first one.
	Challenge Challenge
	// Sent reports whether credentials were sent.
	Sent bool
}

// maxChallenges is how many values of a header are looked at: a target may send thousands.
const maxChallenges = 20

// authentication reads the challenges of an answer from the header with this name.
func authentication(answer http.Header, name string, sent bool) Authentication {
	a := Authentication{Sent: sent}
	values := answer.Values(name)
	for _, value := range values[:min(len(values), maxChallenges)] {
		switch c := challenge(value); {
		case c == ChallengeBasic, c == ChallengeBearer:
			a.Challenge = c
			return a
		case a.Challenge == ChallengeNone:
			a.Challenge = c
		}
	}
	return a
}

// challenge is the first scheme of a value. What follows are its parameters, which are text from the target.
func challenge(value string) Challenge {
	scheme, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	scheme = strings.TrimRight(scheme, ",")
	if scheme == "" {
		return ChallengeNone
	}
	for _, c := range []Challenge{ChallengeBasic, ChallengeBearer, ChallengeDigest, ChallengeNTLM, ChallengeNegotiate} {
		if strings.EqualFold(scheme, string(c)) {
			return c
		}
	}
	return ChallengeOther
}

// proxyAuthentication says what a proxy's 407 wants; withUser reports whether proxy_url has credentials.
func proxyAuthentication(answer http.Header, withUser bool) (text string, why Cause) {
	a := authentication(answer, "Proxy-Authenticate", withUser)
	switch {
	case a.Challenge != ChallengeNone && a.Challenge != ChallengeBasic:
		return "it wants " + string(a.Challenge) + ", and proxy_url sends Basic", CauseProxyScheme
	case withUser:
		return "it did not accept the credentials of proxy_url", CauseProxyCredentials
	default:
		return "want credentials in proxy_url", CauseProxyCredentials
	}
}
