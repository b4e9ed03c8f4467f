package main

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// pack writes a directory as a zip, which Windows opens by itself. Modes are those of the files, the time is that of the commit.
func pack(out io.Writer, dir string, a about) error {
	w := zip.NewWriter(out)
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		head := &zip.FileHeader{Name: path.Join(filepath.Base(dir), name), Method: zip.Deflate, Modified: a.Time}
		head.SetMode(info.Mode())
		to, err := w.CreateHeader(head)
		if err != nil {
			return err
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		_, err = to.Write(content)
		return err
	})
	if err != nil {
		return fmt.Errorf("packing %q: %w", dir, err)
	}
	return w.Close()
}
