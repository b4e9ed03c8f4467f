package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Backends are the blocks of a service that say what restarts it: exactly one of them is there. Each is a pointer to a
// struct in a file of its own, which is a backendBlock.
type Backends struct {
	Command *Command `yaml:"command,omitempty"`
	PM2     *PM2     `yaml:"pm2,omitempty"`
	Systemd *Systemd `yaml:"systemd,omitempty"`
	HTTP    *Hook    `yaml:"http,omitempty"`

	Supervisord *Supervisord `yaml:"supervisord,omitempty"`

	Docker *Docker `yaml:"docker,omitempty"`

	Kubernetes *Kubernetes `yaml:"kubernetes,omitempty"`
	Swarm      *Swarm      `yaml:"swarm,omitempty"`
	ECS        *ECS        `yaml:"ecs,omitempty"`
}

// A backendBlock is a block of Backends. All methods but check are also called on nil, or on an unchecked block.
type backendBlock interface {
	// check reports what is wrong with the block, which is at p.
	check(c *checker, p place)
	// unit identifies what the block restarts, and says what that is called.
	unit() (id, what string)
	// shown returns the keys whose texts are not secrets.
	shown() []string
}

// A limitedBlock is a block with defaults of its own.
type limitedBlock interface {
	// limits are its defaults. Zero: those of DefaultLimits.
	limits() Limits
}

// limits returns the defaults of the block that is set.
func (b *Backends) limits() Limits {
	for _, n := range b.blocks() {
		if l, ok := n.block.(limitedBlock); ok && n.set {
			return l.limits()
		}
	}
	return Limits{}
}

// A namedBlock is a block with its key.
type namedBlock struct {
	key   string
	block backendBlock
	set   bool // false: the file does not have it
}

// blocks returns all blocks, in the order of the struct.
func (b *Backends) blocks() []namedBlock {
	var all []namedBlock
	v := reflect.ValueOf(*b)
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		block, ok := reflect.TypeAssert[backendBlock](v.Field(i))
		if !ok {
			panic("config: the block " + key + " of Backends is not a backendBlock")
		}
		all = append(all, namedBlock{key, block, !v.Field(i).IsNil()})
	}
	return all
}

// shownBackends returns the patterns of all texts of the blocks that are not secrets.
func shownBackends() []string {
	var all []string
	for _, b := range new(Backends).blocks() {
		for _, key := range b.block.shown() {
			all = append(all, "restart.services."+b.key+"."+key)
		}
	}
	return all
}

// backend checks that a service has exactly one back-end, whose unit no other service has.
func (c *checker) backend(p place, s *Service, units map[string]string) {
	var known, found []string
	for _, b := range s.blocks() {
		known = append(known, b.key)
		if !b.set {
			continue
		}
		found = append(found, b.key)
		at := c.sub(p, b.key)
		b.block.check(c, at)
		id, what := b.block.unit()
		c.unique(at, units, b.key+" "+id, what)
	}
	switch {
	case len(found) == 0:
		c.fail(p, "has no back-end, want one of %s", andList(known))
	case len(found) > 1:
		c.fail(p, "has the back-ends %s, want one of them", strings.Join(found, " and "))
	}
}

// program checks that something can be run.
func (c *checker) program(p place, path string) {
	info, err := os.Stat(path)
	switch {
	case path == "":
		c.fail(p, "missing, want the absolute path of a program")
	case !filepath.IsAbs(path):
		c.fail(p, "got the program %q, want an absolute path: no search path and no shell are used", path)
	case errors.Is(err, fs.ErrNotExist):
		c.fail(p, "there is no program %q here; the container image contains the exporter alone, which has to run on the host of this service", path)
	case err != nil || info.IsDir() || info.Mode()&0o111 == 0:
		c.fail(p, "%q is not a program that can be run here", path)
	}
}

func (c *checker) directory(p place, path string) {
	info, err := os.Stat(path)
	switch {
	case !filepath.IsAbs(path):
		c.fail(p, "got %q, want the absolute path of a directory", path)
	case err != nil || !info.IsDir():
		c.fail(p, "there is no directory %q here", path)
	}
}
