package app

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/access"
)

// WebPasswords returns the bcrypt hashes of the passwords in a web configuration, by user. An error shows nothing of the file.
func WebPasswords(webConfigFile string) (map[string]string, error) {
	if webConfigFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(webConfigFile)
	if err != nil {
		return nil, fmt.Errorf("reading the web configuration: %w", err)
	}
	var web struct {
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Unmarshal(text, &web); err != nil {
		return nil, fmt.Errorf("reading the web configuration %q: it is not valid YAML", webConfigFile)
	}
	return web.Users, nil
}

// passwords are those of the web configuration, or nil without one.
func passwords(webConfigFile string) *access.Passwords {
	if webConfigFile == "" {
		return nil
	}
	return &access.Passwords{Read: func() (map[string]string, error) { return WebPasswords(webConfigFile) }}
}

// CheckTokens returns an error for tokens that no request could bring: the toolkit's basic authentication covers every path, and a
// request has one Authorization header.
func CheckTokens(file string, c *config.Config, webConfigFile string) error {
	users, err := WebPasswords(webConfigFile)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(users) == 0 {
		return nil
	}
	const why = "a bearer token cannot be used with basic_auth_users in --web.config.file, which wants basic authentication on every path: "
	var errs []error
	if c.Restart != nil {
		if r := &c.Restart.Receiver; r.BearerToken != "" || r.BearerTokenFile != "" {
			errs = append(errs, fmt.Errorf("%s: restart.receiver: %suse restart.receiver.basic_auth with one of its users", file, why))
		}
	}
	if c.Access != nil {
		for i := range c.Access.Users {
			if u := &c.Access.Users[i]; u.HasToken() {
				errs = append(errs, fmt.Errorf("%s: access.users[%d]: %sgive %q a password there", file, i, why, u.Name))
			}
		}
	}
	return errors.Join(errs...)
}

// warnStranded warns of users who can never log in, and not again at the next load.
func (a *App) warnStranded(file string, c *config.Config) {
	users, err := WebPasswords(*a.opts.Web.WebConfigFile)
	if err != nil {
		return // it was read before
	}
	stranded := c.Access.StrandedUsers(users)
	for _, text := range stranded {
		if !slices.Contains(a.stranded, text) {
			a.log.Warn("A user can never log in", "path", file, "reason", text)
		}
	}
	a.stranded = stranded
}
