package access

import (
	"errors"
	"testing"
)

func TestIncludes(t *testing.T) {
	want := map[Role][]Role{
		None: nil, Read: {Read}, Operate: {Read, Operate}, Edit: {Read, Operate, Edit}, Sync: {Sync},
	}
	for _, has := range append(Roles(), Role(-1), Role(99)) {
		for _, needs := range append(Roles(), Role(-1), Role(99)) {
			may := false
			for _, r := range want[has] {
				may = may || r == needs
			}
			if got := has.Includes(needs); got != may {
				t.Errorf("%d may do what needs %d: %t, want %t", has, needs, got, may)
			}
		}
	}
}

func TestMay(t *testing.T) {
	limited := []string{"DEV", "STAGE"}
	for _, tc := range []struct {
		name         string
		id           Identity
		role         Role
		environments []string
		want         bool
	}{
		{"nobody", Identity{}, Read, nil, false},
		{"nobody in particular", Identity{Name: "alice", Environments: limited}, Edit, limited, false},
		{"without limits", Identity{Role: Edit}, Edit, []string{"LIVE"}, true},
		{"without limits, everything", Identity{Role: Edit}, Edit, nil, true},
		{"what needs nothing that is known", Identity{Role: Edit}, None, nil, false},
		{"inside", Identity{Role: Edit, Environments: limited}, Edit, []string{"DEV"}, true},
		{"inside twice", Identity{Role: Edit, Environments: limited}, Operate, []string{"DEV", "STAGE", "DEV"}, true},
		{"partly outside", Identity{Role: Edit, Environments: limited}, Operate, []string{"DEV", "LIVE"}, false},
		{"outside", Identity{Role: Edit, Environments: limited}, Edit, []string{"LIVE"}, false},
		{"another case", Identity{Role: Edit, Environments: limited}, Edit, []string{"dev"}, false},
		{"everything", Identity{Role: Edit, Environments: limited}, Edit, nil, false},
		{"no environment", Identity{Role: Edit, Environments: append([]string{""}, limited...)}, Edit, []string{""}, false},
		{"reading outside", Identity{Role: Edit, Environments: limited}, Read, []string{"LIVE"}, true},
		{"reading everything", Identity{Role: Operate, Environments: limited}, Read, nil, true},
		{"more than the role", Identity{Role: Operate, Environments: limited}, Edit, []string{"DEV"}, false},
		{"sync", Identity{Role: Sync}, Sync, nil, true},
		{"sync reads nothing", Identity{Role: Sync}, Read, nil, false},
		{"who edits is not a sync", Identity{Role: Edit}, Sync, nil, false},
	} {
		if got := May(tc.id, tc.role, tc.environments...); got != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, got, tc.want)
		}
		if err := JudgeAt(tc.id, tc.role, "shop", tc.environments...); (err == nil) != tc.want {
			t.Errorf("%s is judged %v", tc.name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	ci := Identity{Name: "ci", Role: Edit, Environments: []string{"DEV", "STAGE"}}
	for _, tc := range []struct {
		id              Identity
		role            Role
		environments    []string
		text            string
		unauthenticated bool
	}{
		{Identity{}, Edit, nil, "this needs credentials of role edit", true},
		{Identity{Role: Read}, Operate, []string{"LIVE"}, "this needs credentials of role operate", true},
		{Identity{Name: "jo", Role: Read}, Operate, nil, "jo has role read, and this needs credentials of role operate", false},
		{Identity{Name: "am", Role: Sync}, Read, nil, "am has role sync, and this needs credentials of role read", false},
		{Identity{Name: "jo", Role: Edit}, None, nil, "nobody may do this", false},
		{ci, Edit, []string{"LIVE"}, "ci may edit targets of DEV and STAGE; shop is in LIVE", false},
		{ci, Operate, []string{"LIVE", "DEV", "QA"}, "ci may operate targets of DEV and STAGE; shop is in LIVE and QA", false},
		{ci, Operate, []string{""}, "ci may operate targets of DEV and STAGE; shop is in no environment", false},
		{ci, Operate, nil, "ci may operate targets of DEV and STAGE; shop is in no environment alone", false},
	} {
		err := JudgeAt(tc.id, tc.role, "shop", tc.environments...)
		refusal, ok := errors.AsType[*DeniedError](err)
		if !ok || refusal.Text != tc.text || refusal.Unauthenticated != tc.unauthenticated {
			t.Errorf("%s is refused %s: %v, want %q", &tc.id, tc.role, err, tc.text)
		}
	}
}

func TestContext(t *testing.T) {
	if id := From(t.Context()); id.Role != None || id.String() != "anonymous" {
		t.Errorf("without an identity it is %s", &id)
	}
	if id := From(With(t.Context(), Identity{Name: "alice", Role: Edit})); id.String() != "alice (edit)" {
		t.Errorf("it is %s", &id)
	}
}
