package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// backend checks that a service has exactly one back-end, whose unit no other service has.
func (c *checker) backend(p place, s *Service, units map[string]string) {
	var blocks []string
	if s.Command != nil {
		blocks = append(blocks, "command")
		c.command(c.sub(p, "command"), s.Command)
		c.unique(c.sub(p, "command"), units, fmt.Sprint("command", *s.Command), "command")
	}
	if s.PM2 != nil {
		blocks = append(blocks, "pm2")
		c.pm2(c.sub(p, "pm2"), s.PM2)
		c.unique(c.sub(p, "pm2"), units, fmt.Sprintf("pm2 %q %q", s.PM2.Home, s.PM2.App), "app")
	}
	if s.HTTP != nil {
		blocks = append(blocks, "http")
		c.hook(c.sub(p, "http"), s.HTTP)
		c.unique(c.sub(p, "http"), units, requestOf(s.HTTP), "request")
	}
	switch {
	case len(blocks) == 0:
		c.fail(p, "has no back-end, want one of command, pm2 and http")
	case len(blocks) > 1:
		c.fail(p, "has the back-ends %s, want one of them", strings.Join(blocks, " and "))
	}
}

func (c *checker) command(p place, cmd *Command) {
	argv := c.sub(p, "argv")
	if len(cmd.Argv) == 0 {
		c.fail(argv, "missing, want a program and its arguments")
	} else {
		c.program(argv, cmd.Argv[0])
	}
	if cmd.Dir != "" {
		c.directory(c.sub(p, "dir"), cmd.Dir)
	}
}

// program checks that something can be run.
func (c *checker) program(p place, path string) {
	info, err := os.Stat(path)
	switch {
	case path == "":
		c.fail(p, "missing, want the absolute path of a program")
	case !filepath.IsAbs(path):
		c.fail(p, "got the program %q, want an absolute path: no search path and no shell come between", path)
	case errors.Is(err, fs.ErrNotExist):
		c.fail(p, "there is no program %q here; the container image has none but the exporter, which has to run on the host of this service", path)
	case err != nil || info.IsDir() || info.Mode()&0o111 == 0:
		c.fail(p, "%q is not a program that can be run here", path)
	}
}

func (c *checker) directory(p place, path string) {
	if info, err := os.Stat(path); !filepath.IsAbs(path) || err != nil || !info.IsDir() {
		c.fail(p, "got %q, want the absolute path of a directory", path)
	}
}

// maxHome is how long the path of a directory with PM2's sockets can be: with "/rpc.sock" and a zero byte it has to fit
// into the 104 bytes that the smallest of the systems has for it.
const maxHome = 104 - len("/rpc.sock") - 1

func (c *checker) pm2(p place, b *PM2) {
	switch app := c.sub(p, "app"); {
	case b.App == "":
		c.fail(app, "missing, want the name of an app in PM2")
	case !appName(b.App):
		c.fail(app, "got %q, which pm2 takes for an ID, a file, an option, a pattern or all apps, want a name that can be nothing else", b.App)
	}
	home := c.sub(p, "home")
	c.directory(home, b.Home)
	if len(b.Home) > maxHome {
		c.fail(home, "got a path of %d bytes, want at most %d: PM2's sockets are in it", len(b.Home), maxHome)
	}
	c.program(c.sub(p, "program"), b.Program)
	switch {
	case b.Node != "":
		c.program(c.sub(p, "node"), b.Node)
	case needsNode(b.Program) && !hasNode(filepath.Dir(b.Program), "/usr/local/bin", "/usr/bin", "/bin"):
		c.fail(c.sub(p, "node"), "missing, want the absolute path of node: it is neither beside pm2 nor in one of the usual places")
	}
	if b.Action != "" && b.Action != "restart" && b.Action != "reload" {
		c.fail(c.sub(p, "action"), `got %q, want "restart" or "reload"`, b.Action)
	}
}

// appName tells whether pm2 takes a name for that of an app: it also takes IDs, options, patterns between slashes, and
// files, whose extension it looks for anywhere in the name.
func appName(name string) bool {
	trimmed := strings.TrimSpace(name)
	_, notFloat := strconv.ParseFloat(trimmed, 64)
	_, notInt := strconv.ParseInt(trimmed, 0, 64)
	return name != "all" && trimmed == name && notFloat != nil && notInt != nil &&
		!strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "/") && !strings.ContainsFunc(name, control) &&
		!slices.ContainsFunc([]string{".json", ".yml", ".yaml", ".config.js", ".config.cjs", ".config.mjs"}, func(extension string) bool {
			return strings.Contains(name, extension)
		})
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// needsNode tells whether a program is a script that looks for node by itself.
func needsNode(program string) bool {
	f, err := os.Open(program)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, 100))
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return err == nil && strings.HasSuffix(strings.TrimSpace(string(line)), "env node")
}

func hasNode(dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		info, err := os.Stat(filepath.Join(dir, "node"))
		return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
	})
}

// requestOf tells requests apart.
func requestOf(h *Hook) string {
	return fmt.Sprintf("http %q %q %q %q %q %q", h.Method, h.URL, h.URLFile, h.Body, h.BodyFile, h.Headers)
}

func (c *checker) hook(p place, h *Hook) {
	at := c.sub(p, "url")
	switch {
	case (h.URL == "") == (h.URLFile == ""):
		c.fail(p, "want exactly one of url and url_file")
	case h.URL != "":
		u, err := url.Parse(h.URL)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !validPort(u):
			c.fail(at, "want an absolute URL with the scheme http or https")
		case u.User != nil:
			c.fail(at, "has a user, want basic_auth instead")
		}
	}
	if h.Method != "" && !token(h.Method) {
		c.fail(c.sub(p, "method"), "%q is not an HTTP method token", h.Method)
	}
	if h.Body != "" && h.BodyFile != "" {
		c.fail(c.sub(p, "body_file"), "at most one of body and body_file must be configured")
	}
	headers := c.sub(p, "headers")
	c.headerNames(headers, slices.Sorted(maps.Keys(h.Headers)))
	for name, value := range h.Headers {
		at := c.at(headers.entry(name))
		c.headerValue(at, value)
		c.hookHeader(at, name)
		if strings.EqualFold(name, "Host") {
			c.host(at, value)
		}
	}
	if h.HTTPHeaders != nil {
		private := c.sub(p, "http_headers")
		for name := range h.HTTPHeaders.Headers {
			c.hookHeader(c.at(private.entry(name)), name)
		}
	}
	client := h.Client()
	c.client(p, &client)
}

// hookHeader refuses the header that every attempt has a value of its own for.
func (c *checker) hookHeader(p place, name string) {
	if strings.EqualFold(name, "Idempotency-Key") {
		c.fail(p, "is set by the exporter: the ID of the attempt")
	}
}
