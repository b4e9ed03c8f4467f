package config

import (
	"fmt"
	"slices"
	"strings"
)

// customary are the environments that the alerts and routes of the examples know.
var customary = []string{"LIVE", "STAGE", "DEV"}

// Doubts returns what is valid but hardly meant: a user who is limited in vain, and an environment that differs only by case from a customary one, or from one
// before it. Alerts, routes and the limits of users compare environments with their case.
func (c *Config) Doubts() []string {
	var doubts []string
	known := slices.Clone(customary)
	look := func(path, environment string) {
		for _, other := range known {
			if environment == other {
				return
			}
			if strings.EqualFold(environment, other) {
				doubts = append(doubts, fmt.Sprintf("%s: got %q, did you mean %q? Alerts and routes compare the case", path, environment, other))
				return
			}
		}
		known = append(known, environment)
	}
	for i := range c.Targets {
		look(fmt.Sprintf("targets[%d].environment", i), c.Targets[i].Environment)
	}
	if c.Restart != nil {
		for i := range c.Restart.Services {
			look(fmt.Sprintf("restart.services[%d].environment", i), c.Restart.Services[i].Environment)
		}
	}
	if c.Status.Public != nil {
		for i, e := range c.Status.Public.Environments {
			look(fmt.Sprintf("status.public.environments[%d]", i), e)
		}
	}
	if c.Access != nil {
		for i := range c.Access.Users {
			for k, environment := range c.Access.Users[i].Environments {
				look(fmt.Sprintf("access.users[%d].environments[%d]", i, k), environment)
			}
		}
	}
	return append(doubts, c.unlimited()...)
}

// unlimited returns a doubt for each user who is limited in vain, having the credentials of the receiver as well.
func (c *Config) unlimited() []string {
	if c.Access == nil || c.Restart == nil || c.Restart.Receiver.BasicAuth == nil {
		return nil
	}
	var doubts []string
	for i := range c.Access.Users {
		u := &c.Access.Users[i]
		limited := len(u.Environments) > 0 || u.Role != RoleOperate && u.Role != RoleEdit
		if limited && u.Name == c.Restart.Receiver.BasicAuth.Username {
			doubts = append(doubts, fmt.Sprintf("access.users[%d]: %q is also the user of restart.receiver, who may order everything", i, u.Name))
		}
	}
	return doubts
}
