package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSecrets is how many files of one name a directory may have.
const maxSecrets = 1000

// keep puts a secret into a file that only its owner may read. A file that is there with something else in it is left alone.
func (o *importOptions) keep(name, secret string) (path string, err error) {
	if err := os.MkdirAll(o.SecretsDir, 0o700); err != nil {
		return "", err
	}
	for i := 1; i <= maxSecrets; i++ {
		path = filepath.Join(o.SecretsDir, name)
		if i > 1 {
			path = fmt.Sprintf("%s_%d", path, i)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case err == nil:
			_, err = file.WriteString(secret)
			return path, errors.Join(err, file.Close())
		case !errors.Is(err, fs.ErrExist):
			return "", err
		}
		if before, err := os.ReadFile(path); err == nil && string(before) == secret {
			return path, nil
		}
	}
	return "", fmt.Errorf("%q has %d files of that name", o.SecretsDir, maxSecrets)
}
