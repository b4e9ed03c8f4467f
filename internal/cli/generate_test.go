package cli

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// described returns what the program writes about itself.
func described(t *testing.T, flag string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if status := Run(t.Context(), []string{flag}, &out, &errOut); status != ExitSuccess || errOut.Len() > 0 {
		t.Fatalf("%s: exit status %d: %s", flag, status, &errOut)
	}
	return out.String()
}

// TestManHasAll: the page has a section for every command, with its arguments and flags, and the flags of all commands.
func TestManHasAll(t *testing.T) {
	page := described(t, "--help-man")
	model := newProgram("").Model()
	names := []string{"OPTIONS"}
	want := map[string][]string{}
	for _, f := range shown(model.Flags) {
		want["OPTIONS"] = append(want["OPTIONS"], f.Name)
	}
	for _, c := range model.FlattenedCommands() {
		names = append(names, c.FullCommand)
		want[c.FullCommand] = []string{}
		for _, f := range shown(c.Flags) {
			want[c.FullCommand] = append(want[c.FullCommand], f.Name)
		}
	}
	sections := map[string]string{} // by the name of the command
	for _, part := range strings.Split(strings.ReplaceAll(page, `\-`, "-"), "\n.S")[1:] {
		head, body, _ := strings.Cut(part[2:], "\n")
		head = strings.Trim(head, `"`) + " "
		for _, name := range names {
			if strings.HasPrefix(head, name+" ") {
				sections[name] = body
			}
		}
	}
	for _, c := range model.FlattenedCommands() {
		for _, a := range c.Args {
			if !strings.Contains(sections[c.FullCommand], "\n.I "+a.Name+"\n") {
				t.Errorf("section %q has no argument %s", c.FullCommand, a.Name)
			}
		}
	}
	flag := regexp.MustCompile(`(?m)^\.B (?:-\w, )?--([\w.-]+)`)
	for name, flags := range want {
		got := []string{}
		for _, m := range flag.FindAllStringSubmatch(sections[name], -1) {
			if m[1] != configFlag || name == "OPTIONS" { // commands that read it repeat it
				got = append(got, m[1])
			}
		}
		if diff := cmp.Diff(flags, got); diff != "" {
			t.Errorf("section %q (-want +got):\n%s", name, diff)
		}
	}
	for _, repeated := range []string{".B \\-\\-gatus=GATUS ...\n", ".SS \"check [flags] file...\"\n"} {
		if !strings.Contains(page, repeated) {
			t.Errorf("nothing says that it may be repeated: %s", repeated)
		}
	}
	for line := range strings.SplitSeq(page, "\n") {
		if strings.HasPrefix(line, ".") && !regexp.MustCompile(`^\.(\\"|TH|SH|SS|TP|PP|B|BR|I|br)( |$)`).MatchString(line) {
			t.Errorf("this line is not meant as a request of troff: %s", line)
		}
	}
}

// TestFishHasAll: the completion has every command and every flag.
func TestFishHasAll(t *testing.T) {
	lines := strings.Split(described(t, "--completion-script-fish"), "\n")
	has := func(parts ...string) bool {
		return slices.ContainsFunc(lines, func(line string) bool {
			return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
		})
	}
	model := newProgram("").Model()
	for _, c := range model.FlattenedCommands() {
		words := strings.Fields(c.FullCommand)
		if !has(" -a " + words[len(words)-1] + " ") {
			t.Errorf("no completion of the command %s", c.FullCommand)
		}
		for _, f := range shown(c.Flags) {
			if !has("'"+typing(model, c)+"'", " -l "+f.Name+" ") {
				t.Errorf("no completion of %s --%s", c.FullCommand, f.Name)
			}
		}
	}
}
