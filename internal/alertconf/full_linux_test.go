package alertconf

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/fulldisk"
)

// On a full disk nothing is published, and what a refusal has to take back comes back without space.
func TestPublishOnAFullDisk(t *testing.T) {
	p, servers := newPublisher(t)
	disk := fulldisk.Mount(t, p.Place.Dir, "256k")
	use := "a_file: " + p.Place.Secrets() + "/live\n"
	publish := func(config, secret string) error {
		return p.Publish(t.Context(), Update{Config: []byte(config), Secrets: map[string]string{"live": secret}})
	}
	if err := publish(use, "one"); err != nil {
		t.Fatal(err)
	}
	servers[0].then = disk.Fill // once it has been told
	if err := publish(use+"b: "+strings.Repeat("x", 8<<10), "two"); err != nil {
		t.Fatal(err)
	}
	if err := publish(use+"c: 1", "three"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	disk.Free()
	servers[0].then, servers[1].refuses = nil, true
	servers[1].then = disk.Fill
	var refused *RefusedError
	if err := publish(use+"d: 1", "four"); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
	if got, err := p.Place.Secret("live"); got != "two" || err != nil {
		t.Errorf("the secret is %q, %v", got, err)
	}
	got, err := p.Place.Config()
	if diff := cmp.Diff(use+"b: "+strings.Repeat("x", 8<<10), string(got)); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// A secret is taken back also where the secrets are on a disk of their own.
func TestSecretsOnAnotherDisk(t *testing.T) {
	p, _ := newPublisher(t)
	dir := filepath.Join(p.Place.Dir, secretsDir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	fulldisk.Mount(t, dir, "256k")
	use := "a_file: " + p.Place.Secrets() + "/live\n"
	publish := func(config, secret string) error {
		return p.Publish(t.Context(), Update{Config: []byte(config), Secrets: map[string]string{"live": secret}})
	}
	if err := publish(use, "one"); err != nil {
		t.Fatal(err)
	}
	if err := publish(use+"refuse: 1", "two"); !isRefused(err) || strings.Contains(err.Error(), "going back") {
		t.Errorf("got %v", err)
	}
	if got, err := p.Place.Secret("live"); got != "one" || err != nil {
		t.Errorf("the secret is %q, %v", got, err)
	}
	if err := publish(use+"b: 1", "three"); err != nil {
		t.Error(err)
	}
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}
