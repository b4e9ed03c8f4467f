package harness

import (
	"context"
	"path/filepath"
	"strings"
)

// StartProxy starts the HAProxy of the examples in front of the engine, for the container of that name, with its files in dir. It
// returns the address on which HAProxy listens, as in DOCKER_HOST. The function stop ends it.
func (d *Dockerd) StartProxy(ctx context.Context, b *Binaries, dir, container string) (host string, stop func(), err error) {
	address, err := FreeAddress(ctx)
	if err != nil {
		return "", nil, err
	}
	file := filepath.Join(dir, "haproxy.cfg")
	err = adapt(filepath.Join(b.root, "examples", "docker", "haproxy.cfg"), file,
		edit{`(\bbind ):2375`, "${1}" + address},
		edit{`/shop/`, "/" + container + "/"},
		edit{`/var/run/docker\.sock`, strings.TrimPrefix(d.Host, "unix://")},
	)
	if err != nil {
		return "", nil, err
	}
	p, err := start(ctx, dir, "haproxy", "haproxy", "-db", "-f", file)
	if err != nil {
		return "", nil, err
	}
	err = p.up(ctx, func(ctx context.Context) error {
		_, err := get(ctx, "http://"+address+"/_ping")
		return err
	})
	if err != nil {
		p.Stop()
		return "", nil, err
	}
	return "tcp://" + address, p.Stop, nil
}
