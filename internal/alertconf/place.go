package alertconf

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/durable"
)

// The files in a Place.
const (
	configFile   = "alertmanager.yml"
	previousFile = configFile + ".previous"
	// The directory of secrets has no other files: those that no channel needs are removed. What the base names is elsewhere.
	secretsDir = "channel-secrets"
)

// A Place is a directory from which Alertmanager reads its configuration.
type Place struct {
	Dir string
	// SeenAs is the path of Dir for Alertmanager. Empty: the same.
	SeenAs string
	// Mode is that of the files. 0: 0600.
	Mode fs.FileMode
}

func (p *Place) config() string   { return filepath.Join(p.Dir, configFile) }
func (p *Place) previous() string { return filepath.Join(p.Dir, previousFile) }

// ConfigFile is the file that Alertmanager reads, as it is seen from here.
func (p *Place) ConfigFile() string { return p.config() }

// Secrets is the directory of the secrets of channels as Alertmanager sees it.
func (p *Place) Secrets() string {
	return p.seenAs() + "/" + secretsDir
}

func (p *Place) seenAs() string {
	return strings.TrimRight(path.Clean(filepath.ToSlash(cmp.Or(p.SeenAs, p.Dir))), "/") // as paths in the configuration are
}

func (p *Place) mode() fs.FileMode {
	if p.Mode == 0 {
		return 0o600
	}
	return p.Mode
}

// Config returns what Alertmanager reads at its next reload. It is nil if there is no such file.
func (p *Place) Config() ([]byte, error) { return optional(p.config()) }

func optional(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// replace makes data the configuration. The one before stays as alertmanager.yml.previous.
func (p *Place) replace(data []byte) error {
	before, err := p.Config()
	if err == nil && before != nil {
		err = durable.Replace(p.previous(), before, p.mode())
	}
	if err == nil {
		err = durable.Replace(p.config(), data, p.mode())
	}
	return err
}

// restore makes data the configuration again; nil: that there is none. On a full disk that succeeds as well if data is what replace
// has found.
func (p *Place) restore(data []byte) error {
	if now, err := p.Config(); err == nil && Digest(now) == Digest(data) {
		return nil
	}
	if data != nil {
		err := durable.Replace(p.config(), data, p.mode())
		if before, readErr := optional(p.previous()); err != nil && readErr == nil && Digest(before) == Digest(data) {
			err = errors.Join(os.Rename(p.previous(), p.config()), durable.SyncDir(p.Dir))
		}
		return err
	}
	if err := os.Remove(p.config()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(p.Dir)
}

// otherMode is the other mode that a configuration may ask for.
var otherMode = map[fs.FileMode]fs.FileMode{0o600: 0o640, 0o640: 0o600}

// remode gives the files that were written with the other mode the one that they would have now. A mode that somebody has given them by
// hand stays until they are written again.
func (p *Place) remode() error {
	secrets := filepath.Join(p.Dir, secretsDir)
	entries, err := os.ReadDir(secrets)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files := []string{p.config(), p.previous()}
	for _, e := range entries {
		files = append(files, filepath.Join(secrets, e.Name()))
	}
	for i, file := range files {
		info, err := os.Lstat(file)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != otherMode[p.mode()] {
			continue // it is not there, or not ours
		}
		if i > 1 {
			if err := p.makeSecretsDir(); err != nil {
				return err
			}
		}
		if os.Chmod(file, p.mode()) == nil {
			continue
		}
		if err := p.copyFile(file, file); err != nil { // it belongs to somebody else
			return err
		}
	}
	return nil
}

// copyFile makes one file of ours what another one is.
func (p *Place) copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return durable.Replace(to, data, p.mode())
}

// leftover is a file that was being written when the exporter was killed, see durable.Replace.
var leftover = regexp.MustCompile(`^` + regexp.QuoteMeta(configFile) + `(\.previous)?\.[0-9]+$`)

// tidy removes what an exporter that was killed has left. The caller holds the lock.
func (p *Place) tidy() error {
	entries, err := os.ReadDir(p.Dir)
	for _, e := range entries {
		if leftover.MatchString(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(p.Dir, e.Name())))
		}
	}
	return err
}
