// Package fulldisk makes disks full for tests. It does so on Linux alone.
package fulldisk
