package app

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The form of a channel offers the receivers of the base file, as it is at that moment.
func TestBaseReceivers(t *testing.T) {
	dir := t.TempDir()
	base, out := filepath.Join(dir, "base.yml"), filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	const route = "route: {receiver: nobody, routes: [{receiver: healthcheck-channels}]}\n"
	writeFile(t, base, route+"receivers: [{name: pager}, {name: nobody}, {name: healthcheck-channels}]\n")
	o := options(&recorder{})
	o.ConfigFile, o.StoragePath = configFile(t, fmt.Sprintf(`
modules: {http_2xx: {prober: http}}
access: {users: [{name: alice, role: edit, bearer_token: %s}]}
alertmanager: {base: %s, dir: %s, servers: [{name: am-1, url: 'http://127.0.0.1:1'}]}
`, tokenOf("alice"), base, out)), dir
	a := build(t, o)
	for _, step := range []struct {
		text string
		want []string
	}{
		{"", []string{"nobody", "pager"}},
		{route + "receivers: [{name: nobody}, {name: mail}, {name: healthcheck-channels}]\n", []string{"mail", "nobody"}},
		{"receivers: {", nil},
	} {
		if step.text != "" {
			writeFile(t, base, step.text)
		}
		if diff := cmp.Diff(step.want, a.baseReceivers()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.text, diff)
		}
	}
	if err := os.Remove(base); err != nil {
		t.Fatal(err)
	}
	if got := a.baseReceivers(); got != nil {
		t.Errorf("without the file there are %q", got)
	}
}
