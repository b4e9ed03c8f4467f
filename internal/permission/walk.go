package permission

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A step is a directory on the way to a file, or the file itself.
type step struct {
	path string
	info fs.FileInfo
	open bool // anybody can come here: all directories above let everybody through
}

// way are the steps that matter. That is the last one alone for storage: a directory above it that anybody may write to,
// such as an emptyDir of Kubernetes, is the administrator's, and it does not matter whether anybody can come there today.
func (f File) way() ([]step, error) {
	if f.Use != Storage {
		return walk(f.Path)
	}
	info, err := f.Info, error(nil)
	if info == nil {
		info, err = os.Stat(f.Path)
	}
	return []step{{f.Path, info, true}}, err
}

// maxLinks is how many symbolic links a path may lead through.
const maxLinks = 40

// walk goes to path as the kernel does; the file itself is the last step. Links are left out: who could change one can
// write to its directory, which is a step, or owns it.
func walk(path string) ([]step, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	at, rest, links := step{path: "/", open: true}, strings.Split(path, "/"), 0
	if at.info, err = os.Lstat(at.path); err != nil {
		return nil, err
	}
	root, way := at, []step{at}
	for len(rest) > 0 {
		next := step{path: filepath.Join(at.path, rest[0]), open: at.open && at.info.Mode()&0o001 != 0}
		rest = rest[1:]
		if next.info, err = os.Lstat(next.path); err != nil {
			return nil, err
		}
		if next.info.Mode()&fs.ModeSymlink == 0 {
			// A directory that was passed before keeps what was known of it, and becomes the last step.
			if i := slices.IndexFunc(way, func(s step) bool { return s.path == next.path }); i >= 0 {
				next = way[i]
				way = slices.Delete(way, i, i+1)
			}
			at, way = next, append(way, next)
			continue
		}
		links++
		if links > maxLinks {
			return nil, fmt.Errorf("%q leads through more than %d links", path, maxLinks)
		}
		to, err := os.Readlink(next.path)
		if err != nil {
			return nil, err
		}
		if filepath.IsAbs(to) {
			at = root
		}
		rest = append(strings.Split(to, "/"), rest...)
	}
	return way, nil
}
