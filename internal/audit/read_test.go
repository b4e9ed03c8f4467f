package audit

import (
	"strconv"
	"testing"
)

// However often the log is rotated between two steps of opening its files, what is read is whole, and no older than it was before.
func TestRotatedWhileOpened(t *testing.T) {
	for rotations := range 6 {
		t.Run(strconv.Itoa(rotations), func(t *testing.T) {
			dir := t.TempDir()
			l, err := Open(dir, Options{MaxBytes: 1, MaxFiles: 3}) // a file for each record
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // nothing is kept
			appends := func(n int) {
				for range n {
					if err := l.Append(map[string]any{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			appends(5)
			before, listed := l.Head(), false
			files, err := openAll(dir, Name, func(dir, name string) ([]string, error) {
				if !listed {
					appends(rotations)
				}
				listed = true
				return rotated(dir, name)
			})
			if err != nil {
				t.Fatal(err)
			}
			defer closeAll(files)
			v := &verifier{fn: func(Line) error { return nil }}
			for _, f := range files {
				if _, _, err := eachLine(f, v.line); err != nil {
					t.Fatal(err)
				}
			}
			if r := v.report; r.BreakCount > 0 || r.Records != 3 || r.Last.Seq < before.Seq {
				t.Errorf("it reads %+v, want 3 records without a break, the last one %d or later", r, before.Seq)
			}
		})
	}
}
