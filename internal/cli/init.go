package cli

import (
	"context"
	"crypto/rand"
	_ "embed" // init.yml
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/bcrypt"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/permission"
)

// The files that init writes.
const (
	initConfig = "healthcheck.yml"
	initWeb    = "web.yml"
)

// initUser is who may ask an exporter for anything that init has prepared.
const initUser = "admin"

//go:embed init.yml
var initYAML []byte

func addInit(p *program) {
	var dir string
	c := p.Command("init", "Write a configuration to begin with and a password for it, and say how to start. It does not overwrite files. Exit status: 0 success, 2 it could not write.")
	c.Arg("dir", "Directory of the files; it is created if there is none.").Default(".").StringVar(&dir)
	p.does(c, func(_ context.Context, out, errOut io.Writer) int {
		if err := initialize(out, dir); err != nil {
			complain(errOut, err)
			return ExitUsage
		}
		return ExitSuccess
	})
}

// initialize writes the files into dir, or none of them. The password is shown once on out; a file has its hash alone.
func initialize(out io.Writer, dir string) error {
	password := rand.Text()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return fmt.Errorf("hashing a password: %w", err)
	}
	web := fmt.Sprintf("# Who may ask the exporter. To change the password: htpasswd -nBC 10 %[1]s\nbasic_auth_users:\n  %[1]s: %[2]s\n", initUser, hash)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	config, webFile := filepath.Join(dir, initConfig), filepath.Join(dir, initWeb)
	if err := create(config, initYAML); err != nil {
		return err
	}
	if err := create(webFile, []byte(web)); err != nil {
		return errors.Join(err, os.Remove(config))
	}
	fmt.Fprintf(out, `Wrote %s and %s.
The user %s has the password %s
It is not shown again.

Start it with this command, then add your targets on the page, or in %s:
  %s --config.file=%s --web.config.file=%s --storage.path=%s --web.listen-address=127.0.0.1:10115
`, config, webFile, initUser, password, config, permission.Quote(os.Args[0]), permission.Quote(config), permission.Quote(webFile), permission.Quote(filepath.Join(dir, "data")))
	return nil
}

// create writes a file that must not be there yet. Only its owner may read it.
func create(name string, text []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%q is there already, and init does not overwrite files", name)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %q: %w", name, err), os.Remove(name))
	}
	return nil
}
