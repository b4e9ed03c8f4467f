package alertconf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
)

// secretsBefore is the directory of what secrets were before the change that is under way.
func (p *Place) secretsBefore() string { return filepath.Join(p.Dir, secretsDir+".previous") }

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
		return removed(os.Remove(file))
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
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if p.mode()&0o040 == 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o050 == 0o050 {
		return err
	}
	if err := os.Chmod(dir, fs.ModeSetgid|0o750); err != nil { // systemd may forbid it: RestrictSUIDSGID
		return fmt.Errorf("%w: the group of Alertmanager has to enter it: run chmod 2750 %s", err, dir)
	}
	return nil
}

// Secret returns the secret of a channel. Empty: it has none.
func (p *Place) Secret(channel string) (string, error) { return p.secret(channel) }

// changedSecrets returns the files of those secrets that are not what is there already, and what they had before, empty if nothing.
func (p *Place) changedSecrets(secrets map[string]string) (before map[string]string, err error) {
	before = map[string]string{}
	for channel, secret := range secrets {
		old, err := p.secret(channel)
		if err != nil {
			return nil, err
		}
		if old != secret {
			before[channel] = old
		}
	}
	return before, nil
}

// noteSecrets keeps what secrets were before a change, for takeBackSecrets. It begins with none.
func (p *Place) noteSecrets(before map[string]string) error {
	if err := p.forgetSecrets(); err != nil || len(before) == 0 {
		return err
	}
	dir := p.secretsBefore()
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for channel, secret := range before {
		text := secret
		if text != "" {
			text += "\n"
		}
		if err := durable.Replace(filepath.Join(dir, SecretFile(channel)), []byte(text), p.mode()); err != nil {
			return err
		}
	}
	return durable.SyncDir(p.Dir)
}

// takeBackSecrets makes the secrets what they were before a change that was not kept. It needs no space on the disk, unless the
// secrets are on one of their own, and may be called again after it was interrupted.
func (p *Place) takeBackSecrets() error {
	dir := p.secretsBefore()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		noted, file := filepath.Join(dir, e.Name()), filepath.Join(p.Dir, secretsDir, e.Name())
		switch info, statErr := e.Info(); {
		case statErr != nil:
			err = errors.Join(err, statErr)
		case info.Size() > 0:
			err = errors.Join(err, p.moveBack(noted, file))
		default:
			err = errors.Join(err, removed(os.Remove(file)))
		}
	}
	if err == nil && len(entries) > 0 {
		err = removed(durable.SyncDir(filepath.Join(p.Dir, secretsDir)))
	}
	if err != nil {
		return err
	}
	return p.forgetSecrets()
}

// moveBack makes a secret that was noted the one in force. Their directories may be on different disks.
func (p *Place) moveBack(noted, file string) error {
	if os.Rename(noted, file) == nil {
		return nil
	}
	return p.copyFile(noted, file)
}

// forgetSecrets ends a change: nothing will be taken back.
func (p *Place) forgetSecrets() error { return os.RemoveAll(p.secretsBefore()) }

// removed is the error of a removal, for which it is well if there was nothing.
func removed(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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
