package harness

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Dockerd is a separate Docker Engine. Its containers use the network of the machine.
type Dockerd struct {
	// Host is the address on which it listens, as in DOCKER_HOST.
	Host string

	netns   string // where it mounts one
	process *process
}

// StartDockerd starts an engine whose files are in dir, which must be a short path. Call Stop unless there is an error. It needs
// root.
func StartDockerd(ctx context.Context, dir string) (*Dockerd, error) {
	in := func(name string) string { return filepath.Join(dir, name) }
	d := &Dockerd{Host: "unix://" + in("docker.sock"), netns: in("exec/netns/default")}
	var err error
	// CI that has an engine elsewhere sets DOCKER_TLS_VERIFY, which dockerd and docker obey here, too.
	d.process, err = start(ctx, dir, "dockerd", "env", "-u", "DOCKER_TLS_VERIFY", "dockerd", "--host", d.Host, "--data-root", in("data"), "--exec-root", in("exec"),
		"--pidfile", in("docker.pid"), "--bridge=none", "--iptables=false", "--ip6tables=false")
	if err != nil {
		return nil, err
	}
	err = d.process.up(ctx, func(ctx context.Context) error {
		_, err := d.Docker(ctx, "version")
		return err
	})
	if err != nil {
		d.process.Stop()
		return nil, err
	}
	return d, nil
}

// Stop removes all containers and ends the engine with everything that it has started.
func (d *Dockerd) Stop(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	_, _ = d.Docker(ctx, "swarm", "leave", "--force") // an error: it is in none
	var errs []error
	ids, err := d.Docker(ctx, "ps", "--all", "--quiet")
	if errs = append(errs, err); ids != "" {
		_, err = d.Docker(ctx, append([]string{"rm", "--force"}, strings.Fields(ids)...)...)
		errs = append(errs, err)
	}
	d.process.Stop()
	_ = exec.CommandContext(ctx, "umount", d.netns).Run() // an error: it has made none
	return errors.Join(errs...)
}

// Docker runs the docker command on the engine, as a person does, and returns its output.
func (d *Dockerd) Docker(ctx context.Context, args ...string) (string, error) {
	return output(d.docker(ctx, args...))
}

func (d *Dockerd) docker(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "env", append([]string{"-u", "DOCKER_TLS_VERIFY", "docker", "--host", d.Host}, args...)...)
}

// Import makes an image of one static program, which has the same name as the image.
func (d *Dockerd) Import(ctx context.Context, program, image string, changes ...string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	err = w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(text))})
	if err == nil {
		_, err = io.Copy(w, bytes.NewReader(text))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	args := []string{"import", "--change", `ENTRYPOINT ["/app"]`}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	cmd := d.docker(ctx, append(args, "-", image)...)
	cmd.Stdin = &archive
	_, err = output(cmd)
	return err
}
