//go:build unix

package permission

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// overflowID is what a user namespace shows of users that it does not know, in Linux.
const overflowID = 65534

// An identity is the user as whom the exporter runs, and whom it trusts.
type identity struct {
	uid     int
	groups  []int
	trusted []int // owners who can do no harm: root, the user itself, and who runs the program
}

// currentUser trusts the owner of home as well, if there is one.
func currentUser(home string) identity {
	groups, _ := os.Getgroups() // without them the repair is to change the owner, which also helps
	who := identity{uid: os.Geteuid(), groups: append(groups, os.Getegid())}
	who.trusted = []int{0, who.uid}
	if home == "" {
		return who
	}
	if info, err := os.Stat(home); err == nil {
		uid, _ := owner(info)
		who.trusted = append(who.trusted, uid)
	}
	return who
}

func owner(info fs.FileInfo) (uid, gid int) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return int(stat.Uid), int(stat.Gid)
}

// stranger is the owner of a file if that is somebody who could do harm.
func (who identity) stranger(info fs.FileInfo) (name string, is bool) {
	uid, _ := owner(info)
	if slices.Contains(who.trusted, uid) || uid == overflowID && knowsSomeUsers() {
		return "", false
	}
	return userName(uid), true
}

// knowsSomeUsers reports whether this is a user namespace that does not know all users, as in a container without root.
func knowsSomeUsers() bool {
	ids, err := os.ReadFile("/proc/self/uid_map") // user_namespaces(7); there is none but in Linux
	return err == nil && !slices.Equal(strings.Fields(string(ids)), []string{"0", "0", "4294967295"})
}

func (who identity) root() bool { return who.uid == 0 }

func (who identity) name() string { return userName(who.uid) }

// userName is the name of a user where it has one.
func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil && plain.MatchString(u.Username) {
		return u.Username
	}
	return id
}

// keepPrivate is the command that takes a file from everybody else, and leaves it readable for the exporter.
func (who identity) keepPrivate(s step) string {
	uid, gid := owner(s.info)
	path := Quote(s.path)
	switch {
	case who.root() || uid == who.uid:
		return "chmod 600 " + path
	case s.info.Mode()&0o040 != 0 && slices.Contains(who.groups, gid):
		return "chmod o= " + path
	default:
		return fmt.Sprintf("chown %s %s && chmod 600 %[2]s", who.name(), path)
	}
}
