package managed

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// belongs ends every refusal of a credential.
const belongs = "credentials belong into a module: what people edit is shown, exported and audited"

// longestWord is how long a part of a query without a value may be, in bytes, before it is taken for a token.
const longestWord = 24

// secretWords are what the name of a parameter has in it whose value is a secret.
var secretWords = []string{
	"token", "secret", "passw", "passphrase", "pwd", "apikey", "api_key", "api-key", "accesskey", "access_key", "access-key",
	"oauth", "authoriz", "signature", "credential", "jwt", "session", "private",
}

// secretNames are such names that are parts of harmless ones.
var secretNames = []string{"auth", "key", "pass", "pw", "sig", "sid", "otp"}

// credentials finds what must not be kept in what was written of a target.
func credentials(fields map[string]any) (problems []Problem) {
	headers, _ := fields["headers"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if !config.PublicHeader(name) {
			problems = append(problems, Problem{
				"/headers/" + Escape(name),
				"may only be a header that anybody may see, such as Accept or User-Agent; " + belongs,
			})
		}
	}
	for _, key := range []string{"url", "runbook_url"} {
		if text, ok := fields[key].(string); ok {
			if why := secretURL(text); why != "" {
				problems = append(problems, Problem{"/" + key, why + "; " + belongs})
			}
		}
	}
	return problems
}

// secretURL is where a URL has a credential, or "".
func secretURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		if _, rest, ok := strings.Cut(text, "://"); ok && strings.Contains(strings.SplitN(rest, "/", 2)[0], "@") {
			return "has a user or a password"
		}
		return "" // the reader says what is wrong with it
	}
	if u.User != nil {
		return "has a user or a password"
	}
	for _, raw := range []string{u.RawQuery, u.Fragment} {
		for part := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
			if name, ok := secretParameter(part); ok {
				return "has " + name + " that looks like a credential"
			}
		}
	}
	return ""
}

// secretParameter reports whether a part of a query looks like a credential, and how it may be called.
func secretParameter(part string) (called string, secret bool) {
	name, value, valued := strings.Cut(part, "=")
	if !valued {
		return "a query", len(name) > longestWord // it may be a token itself
	}
	plain, err := url.QueryUnescape(name)
	if err != nil {
		plain = name
	}
	plain = strings.ToLower(plain)
	looks := slices.Contains(secretNames, plain) ||
		slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(plain, word) })
	return "a parameter", looks && value != ""
}
