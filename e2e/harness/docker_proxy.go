package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// StartProxy starts the HAProxy of the examples before the engine, for the container of that name, with its files in dir, and returns where it
// listens, as a host. Its end is that of stop.
func (d *Dockerd) StartProxy(ctx context.Context, b *Binaries, dir, container string) (host string, stop func(), err error) {
	address, err := freeAddress(ctx)
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
	err = Until(ctx, startTime, "the proxy is up", func(ctx context.Context) (bool, error) {
		if _, err := get(ctx, "http://"+address+"/_ping"); err != nil {
			return false, p.running()
		}
		return true, nil
	})
	if err != nil {
		p.Stop()
		return "", nil, fmt.Errorf("%w\n%s", err, tail(p.log))
	}
	return "tcp://" + address, p.Stop, nil
}
