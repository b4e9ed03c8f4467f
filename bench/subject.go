package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The cases are the kinds of targets whose costs are compared. In https_h1_ca the module trusts a file with 145 certificates.
var allCases = []string{"http", "ws", "https_h1", "https_h1_ca", "https_h2", "wss"}

// targetOf returns the name of the target of a case.
func targetOf(name string) string { return strings.TrimSuffix(name, "_ca") }

// moduleConfig returns a configuration with one module for each case, which both blackbox_exporter and ours understand.
func moduleConfig(dir string, withWebSockets bool) string {
	var b strings.Builder
	b.WriteString("modules:\n")
	for _, name := range allCases {
		block, tls := "http", "      "
		if strings.HasPrefix(name, "ws") {
			block, tls = "websocket", "        "
			if !withWebSockets {
				continue
			}
		}
		ca := "ca.pem"
		if strings.HasSuffix(name, "_ca") {
			ca = "bundle.pem"
		}
		fmt.Fprintf(&b, "  %s:\n    prober: %s\n    timeout: 10s\n    %s:\n      preferred_ip_protocol: ip4\n", name, block, block)
		if block == "websocket" {
			b.WriteString("      query_response: [{send: hello}, {expect: hello}]\n      http_config:\n")
		} else if strings.HasPrefix(name, "https_h1") {
			b.WriteString("      enable_http2: false\n")
		}
		fmt.Fprintf(&b, "%stls_config: {ca_file: %s}\n", tls, filepath.Join(dir, ca))
	}
	return b.String()
}

// A subject is an exporter to be measured.
type subject struct {
	name string
	argv func(listen string) []string
	can  func(name string) bool // reports whether it can make the probes of a case
}

func everything(string) bool { return true }

// newBench builds the programs and starts the targets.
func newBench(ctx context.Context, dir string, o *options) (*bench, error) {
	b := &bench{options: o, out: os.Stdout, dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+string(filepath.Separator),
		".", "./bench/floor", "./bench/targets")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building (from the root of the repository): %w\n%s", err, out)
	}
	// What is not measured, the targets and this process, is kept away from the core of the measured process.
	if argv := pinned(otherCore); len(argv) > 0 {
		self := exec.CommandContext(ctx, argv[0], "-a", "-c", "-p", otherCore, strconv.Itoa(os.Getpid()))
		if out, err := self.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("pinning: %w\n%s", err, out)
		}
	}
	var err error
	if b.serving, err = start(ctx, dir, "targets", pinned(otherCore, b.file("targets"), "-dir", dir)...); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(b.serving.out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &b.urls)
	}
	if err == nil {
		err = os.WriteFile(b.file("bench.yml"), []byte(moduleConfig(dir, true)), 0o600)
	}
	if err == nil {
		err = os.WriteFile(b.file("blackbox.yml"), []byte(moduleConfig(dir, false)), 0o600)
	}
	if err != nil {
		b.serving.stop()
		return nil, fmt.Errorf("starting the targets: %w", err)
	}
	return b, nil
}

// ours returns our exporter with a configuration file of this run.
func (b *bench) ours(config string) subject {
	return subject{"ours", func(listen string) []string {
		return []string{
			b.file("healthcheck_exporter"), "--config.file=" + b.file(config), "--web.listen-address=" + listen,
			"--log.level=warn", "--web.enable-pprof", "--storage.path=" + b.file("data"),
		}
	}, everything}
}

func (b *bench) floor() subject {
	return subject{"floor", func(listen string) []string {
		return []string{b.file("floor"), "-listen", listen, "-ca", b.file("ca.pem")}
	}, everything}
}

// subjects returns all exporters that are compared, the floor first.
func (b *bench) subjects() []subject {
	all := []subject{b.floor(), b.ours("bench.yml")}
	if !b.peers {
		return all
	}
	for _, name := range []string{"prometheus-blackbox-exporter", "blackbox_exporter"} { // Debian's name, and the usual one
		if path, err := exec.LookPath(name); err == nil {
			return append(all, subject{"blackbox", func(listen string) []string {
				return []string{path, "--config.file=" + b.file("blackbox.yml"), "--web.listen-address=" + listen, "--log.level=warn"}
			}, func(name string) bool { return !strings.HasPrefix(name, "ws") }})
		}
	}
	return all
}

// An instance is a running subject.
type instance struct {
	*process
	base   string // http://address
	client *http.Client
}

// run starts a subject on the core for the measured process and waits until it answers.
func (b *bench) run(ctx context.Context, s subject) (*instance, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, b.dir, s.name, pinned(measuredCore, s.argv(listen)...)...)
	if err != nil {
		return nil, err
	}
	i := &instance{process: p, base: "http://" + listen, client: newClient()}
	for deadline := time.Now().Add(30 * time.Second); ; {
		_, err := i.get(ctx, "/metrics")
		if err == nil {
			return i, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s has ended: %s, see %s", s.name, p.cmd.ProcessState, b.file(s.name+".log"))
		case <-ctx.Done():
			p.stop()
			return nil, ctx.Err()
		default:
		}
		if time.Now().After(deadline) {
			p.stop()
			return nil, fmt.Errorf("waiting for %s: %w", s.name, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// scrapeOf returns the path of a probe for a case.
func (b *bench) scrapeOf(name string) string { return scrape(b.urls[targetOf(name)], name) }

func scrape(target, module string) string {
	return "/probe?" + url.Values{"target": {target}, "module": {module}}.Encode()
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
