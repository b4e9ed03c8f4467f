package alertconf

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
)

func (p *Place) secretFile(channel string) string {
	return filepath.Join(p.Dir, secretsDir, SecretFile(channel))
}

// HasSecret reports whether there is a secret of a channel.
func (p *Place) HasSecret(channel string) bool {
	info, err := os.Stat(p.secretFile(channel))
	return err == nil && info.Mode().IsRegular() && info.Size() > 1
}

// secret returns the secret of a channel. Empty: it has none.
func (p *Place) secret(channel string) (string, error) {
	data, err := optional(p.secretFile(channel))
	return strings.TrimSuffix(string(data), "\n"), err
}

// setSecret keeps the secret of a channel; empty: it removes it. Alertmanager reads it at every message.
func (p *Place) setSecret(channel, secret string) error {
	file := p.secretFile(channel)
	if secret == "" {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := p.makeSecretsDir(); err != nil {
		return err
	}
	return durable.Replace(file, []byte(secret+"\n"), p.mode())
}

// makeSecretsDir makes the directory of the secrets, which the group may enter if it may read the files. It is that of Dir: what
// is made in a directory with the setgid bit has its group.
func (p *Place) makeSecretsDir() error {
	dir := filepath.Join(p.Dir, secretsDir)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && p.mode()&0o040 != 0 {
		err = os.Chmod(dir, fs.ModeSetgid|0o750) // whatever the umask
	}
	return err
}

// setSecrets keeps those secrets of channels. The function undo puts those before them back.
func (p *Place) setSecrets(secrets map[string]string) (undo func() error, err error) {
	before := map[string]string{}
	undo = func() error {
		var err error
		for channel, secret := range before {
			err = errors.Join(err, p.setSecret(channel, secret))
		}
		return err
	}
	for channel, secret := range secrets {
		old, err := p.secret(channel)
		if err == nil && old != secret {
			before[channel] = old
			err = p.setSecret(channel, secret)
		}
		if err != nil {
			return undo, err
		}
	}
	return undo, nil
}

// sweep removes the secrets that a configuration does not name.
func (p *Place) sweep(config []byte) error {
	dir := filepath.Join(p.Dir, secretsDir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(config, &doc); err != nil {
		return err
	}
	named := map[string]bool{}
	eachScalar(&doc, func(s scalar) {
		if rest, ok := strings.CutPrefix(s.node.Value, p.Secrets()+"/"); ok {
			named[path.Clean(rest)] = true
		}
	})
	for _, e := range entries {
		if !named[e.Name()] {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
