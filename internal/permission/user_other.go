//go:build !unix

package permission

import "io/fs"

// An identity is nobody where there are no owners; see Check.
type identity struct{}

func currentUser(string) identity { return identity{} }

func (identity) stranger(fs.FileInfo) (name string, is bool) { return "", false }

func (identity) root() bool { return false }

func (identity) name() string { return "" }

func (identity) keepPrivate(step) string { return "" }
