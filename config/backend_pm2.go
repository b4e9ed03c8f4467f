package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// PM2 is the back-end that restarts an app of PM2.
type PM2 struct {
	// App is the name of the app, all instances of which are restarted.
	App string `yaml:"app"`
	// Home is PM2_HOME, an absolute path.
	Home string `yaml:"home"`
	// Program is pm2, by its absolute path.
	Program string `yaml:"program"`
	// Node is what runs pm2, by its absolute path. Empty: the one beside pm2, or in the usual places.
	Node string `yaml:"node,omitempty"`
	// Action is "restart" or "reload". Empty: "restart".
	Action string `yaml:"action,omitempty"`
}

func (*PM2) shown() []string { return []string{"app", "home", "program", "node", "action"} }

func (b *PM2) unit() (id, what string) { return fmt.Sprintf("%q %q", b.Home, b.App), "app" }

// maxHome is how long the path of a directory with PM2's sockets can be: with "/rpc.sock" and a zero byte it has to fit
// into the 104 bytes that the smallest of the systems has for it.
const maxHome = 104 - len("/rpc.sock") - 1

func (b *PM2) check(c *checker, p place) {
	switch app := c.sub(p, "app"); {
	case b.App == "":
		c.fail(app, "missing, want the name of an app in PM2")
	case !appName(b.App):
		c.fail(app, "got %q, which pm2 takes for an ID, a file, an option, a pattern or all apps; want a name that cannot be mistaken for one of these", b.App)
	}
	c.prints(c.sub(p, "app"), b.App)
	home := c.sub(p, "home")
	c.directory(home, b.Home)
	if len(b.Home) > maxHome {
		c.fail(home, "got a path of %d bytes, want at most %d: PM2's sockets are in it", len(b.Home), maxHome)
	}
	c.program(c.sub(p, "program"), b.Program)
	switch {
	case b.Node != "":
		c.program(c.sub(p, "node"), b.Node)
		if what := notJavaScript(b.Program); what != "" {
			c.fail(c.sub(p, "program"), "got %s, want JavaScript, because node is set and would run it: leave node out, or name the script that it starts, such as .../pm2/bin/pm2", what)
		}
	case needsNode(b.Program) && !hasNode(filepath.Dir(b.Program), "/usr/local/bin", "/usr/bin", "/bin"):
		c.fail(c.sub(p, "node"), "missing, want the absolute path of node: it is neither beside pm2 nor in one of the usual places")
	}
	if b.Action != "" && b.Action != "restart" && b.Action != "reload" {
		c.fail(c.sub(p, "action"), `got %q, want "restart" or "reload"`, b.Action)
	}
}

// appName reports whether pm2 takes a name for the name of an app. It also accepts IDs, options, patterns between slashes, and
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

// needsNode reports whether a program is a script that looks for node by itself.
func needsNode(program string) bool {
	s, ok := readScript(program)
	name, inPath := s.interpreter()
	return ok && inPath && name == "node"
}

func hasNode(dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		info, err := os.Stat(filepath.Join(dir, "node"))
		return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
	})
}
