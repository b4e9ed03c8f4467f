package importer

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	userinfo = regexp.MustCompile(`://[^/]*@`)
	unseen   = regexp.MustCompile(`[?#].*`)
)

// seenPart is a URL without the parts that people do not see: the user, the query and the fragment.
func seenPart(address string) string {
	return userinfo.ReplaceAllString(unseen.ReplaceAllString(address, ""), "://")
}

// seen says that everybody can read what a URL has from somewhere else, such as a secret.
func (b *batch) seen(what string, names []string) {
	slices.Sort(names)
	names = slices.Compact(names)
	them := "it"
	if len(names) > 1 {
		what, them = what+"s", "them"
	}
	if len(names) > 0 {
		b.change("its URL has the %s %s outside of its query: the page, the metrics and /sd show %s", what, strings.Join(names, ", "), them)
	}
}

// A secret is one that a module may have.
type secret struct {
	what, block, key string // key is that of the secret itself; that of its file is the same with _file
	value            string
}

// secrets are those of a module.
func (s *settings) secrets() []secret {
	var all []secret
	c := s.client()
	if c.BasicAuth != nil {
		all = append(all, secret{"password", "basic_auth", "password", c.BasicAuth.Password})
	}
	if c.Authorization != nil {
		all = append(all, secret{"token", "authorization", "credentials", c.Authorization.Credentials})
	}
	if c.OAuth2 != nil {
		all = append(all, secret{"client secret", "oauth2", "client_secret", c.OAuth2.ClientSecret})
	}
	if c.TLS != nil {
		all = append(all, secret{"key", "tls_config", "key", c.TLS.Key})
	}
	return slices.DeleteFunc(all, func(s secret) bool { return s.value == "" })
}

// keepSecrets puts the secrets of a module into files, and says where they are. The module is in use now: nobody misses a file of one
// that is not.
func (b *batch) keepSecrets(module string, s *settings) {
	if proxy, err := url.Parse(s.client().ProxyURL); err == nil {
		if _, ok := proxy.User.Password(); ok {
			b.change("the password of its proxy is in the configuration, in proxy_url")
		}
	}
	body := b.im.modules[module].body
	client := value(body, "http")
	if s.Prober == "websocket" {
		client = value(value(body, "websocket"), "http_config")
	}
	for _, one := range s.secrets() {
		if b.im.options.Keep == nil {
			b.change("its %s is in the configuration; --secrets-dir puts it into a file", one.what)
			continue
		}
		if one.key != "key" && strings.TrimSpace(one.value) != one.value {
			b.change("its %s is in the configuration: it begins or ends with a space, which no file keeps", one.what)
			continue
		}
		file, err := b.im.keep(one.what, one.value)
		if err != nil {
			b.change("its %s is in the configuration: %v", one.what, err)
			continue
		}
		b.change("its %s is in the file %q", one.what, file)
		for key, v := range pairs(value(client, one.block)) {
			if key.Value == one.key { // no other target has put it there yet
				key.Value = one.key + "_file"
				*v = yaml.Node{}
				v.SetString(file)
			}
		}
	}
}

// keep puts a secret into a file. The same secret has one file.
func (im *Importer) keep(what, value string) (file string, err error) {
	if file, ok := im.kept[value]; ok {
		return file, nil
	}
	file, err = im.options.Keep(fmt.Sprintf("%s_%d", strings.ReplaceAll(what, " ", "_"), len(im.kept)+1), value)
	if err == nil {
		im.kept[value] = file
	}
	return file, err
}
