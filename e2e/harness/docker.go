package harness

import (
	"context"
	_ "embed" // for the script
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed docker.sh
var dockerScript string

// A Docker is an Engine with the image "app": the demo app.
type Docker struct {
	// Socket is where its API is.
	Socket string

	dir     string
	process *process
}

// StartDocker starts an Engine whose files are in dir, a short path. Stop has to be called when there is no error. It needs
// root.
func StartDocker(ctx context.Context, b *Binaries, dir string) (*Docker, error) {
	d := &Docker{dir: dir, Socket: filepath.Join(dir, "s.sock")}
	var err error
	d.process, err = start(ctx, dir, "docker", "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child",
		"--mount-proc", "sh", "-c", dockerScript, "sh", dir)
	if err != nil {
		return nil, err
	}
	err = Until(ctx, startTime, "Docker is up", func(ctx context.Context) (bool, error) {
		if _, err := d.Ctl(ctx, "version"); err != nil {
			return false, d.process.running()
		}
		return true, nil
	})
	if err == nil {
		err = d.image(ctx, b)
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, d.Stop(ctx)), tail(d.process.log))
	}
	return d, nil
}

// image makes the image of a static build of the demo app. No registry is asked.
func (d *Docker) image(ctx context.Context, b *Binaries) error {
	root := filepath.Join(d.dir, "root")
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(root, "app"), "./e2e/demoapp")
	build.Dir, build.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(build); err != nil {
		return err
	}
	if _, err := output(exec.CommandContext(ctx, "tar", "-C", root, "-cf", filepath.Join(d.dir, "app.tar"), ".")); err != nil {
		return err
	}
	_, err := d.Ctl(ctx, "import", "--change", `ENTRYPOINT ["/app"]`, filepath.Join(d.dir, "app.tar"), "app")
	return err
}

// Ctl does what a person does with the command docker.
func (d *Docker) Ctl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"-H", "unix://" + d.Socket}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("running %q: %w: %s", cmd.Args, err, out)
	}
	return string(out), err
}

// Stop ends the Engine with all its containers, and removes their cgroups.
func (d *Docker) Stop(ctx context.Context) error {
	d.process.Kill() // with it the first process of the namespace, and so all the others
	const remove = `! find /sys/fs/cgroup -depth -type d -path "*/$0*" -exec rmdir {} + 2>&1 | grep -q .`
	return Until(context.WithoutCancel(ctx), startTime, "the cgroups of Docker are empty", func(ctx context.Context) (bool, error) {
		return exec.CommandContext(ctx, "sh", "-c", remove, filepath.Base(d.dir)).Run() == nil, nil
	})
}

// StartProxy starts the HAProxy of the examples before the Engine, for the container of that name, and returns its URL. Its
// end is that of stop.
func (d *Docker) StartProxy(ctx context.Context, b *Binaries, container string) (url string, stop func(), err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return "", nil, err
	}
	file := filepath.Join(d.dir, "haproxy.cfg")
	err = adapt(filepath.Join(b.root, "examples", "docker", "haproxy.cfg"), file,
		edit{`(\bbind ):2375`, "${1}" + address},
		edit{`/shop/`, "/" + container + "/"},
		edit{`/var/run/docker\.sock`, d.Socket},
	)
	if err != nil {
		return "", nil, err
	}
	p, err := start(ctx, d.dir, "haproxy", "haproxy", "-db", "-f", file)
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
	return "http://" + address, p.Stop, nil
}
