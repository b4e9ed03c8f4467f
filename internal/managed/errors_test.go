package managed

import (
	"testing"
	"time"
)

// Errors are read by people: each names the place, and says it as one would.
func TestErrorTexts(t *testing.T) {
	now := Target{Name: "shop", Revision: 7, Updated: Stamp{By: "ci", At: time.Date(2026, 11, 29, 19, 0, 0, 0, time.UTC)}}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"one revision", &ChangedError{Now: now, Revision: 7, Want: Condition{Revisions: []uint64{1}}}, "ci changed it at 2026-11-29T19:00:00Z (revision 7, you have 1)"},
		{"several revisions", &ChangedError{Revision: 7, Want: Condition{Revisions: []uint64{1, 2}}}, "it was changed meanwhile (revision 7, you have 1, 2)"},
		{"a target is there", &ChangedError{Now: now, Revision: 7, Want: Condition{Absent: true}}, `there is a target "shop" already (revision 7)`},
		{"targets are there", &ChangedError{Revision: 7, Want: Condition{Absent: true}}, "there are targets already (revision 7)"},
		{"one target", &NumberError{Expected: 2, Found: 1}, "expect is 2, want 1, the number of targets that this is about; nothing has changed"},
		{"no target", &NumberError{Expected: 2}, "expect is 2, want 0, the number of targets that this is about; nothing has changed"},
		{"another source", &OwnedError{Name: "shop", Source: "file:a.yml"}, `target "shop" comes from file:a.yml; change it there, or mute it here`},
		{"the whole", &InvalidError{What: "mute", Problems: []Problem{{"", "it has no end"}}}, "the mute is not valid: it has no end"},
		{"a place", &InvalidError{What: "target", Problems: []Problem{{"/url", "got x"}}}, "the target is not valid: url: got x"},
		{"several", &InvalidError{What: "document", Problems: []Problem{{"/targets/0/url", "got x"}, {"/targets/1", "is y"}, {"/targets/2", "is z"}}}, "the document is not valid: targets/0/url: got x (and 2 more)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
