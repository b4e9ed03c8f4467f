//go:build e2e

package e2e

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// evaluate calls the rule of polkit that is its argument as polkit would, once for each question, and prints the answers.
const evaluate = `
const rules = [];
const polkit = {addRule: (f) => rules.push(f), Result: {YES: "yes", NOT_HANDLED: null}};
new Function("polkit", require("fs").readFileSync(process.argv[1], "utf8"))(polkit);
const answers = JSON.parse(process.argv[2]).map((q) =>
	rules.map((f) => f({id: q.id, lookup: (name) => q.details[name]}, {user: q.user})).find((a) => a != null) || "");
console.log(JSON.stringify(answers));
`

// The rule that people copy allows one verb on some units to one user. The real polkit needs the bus of a system.
func TestPolkitRule(t *testing.T) {
	needs(t, "node")
	const manage = "org.freedesktop.systemd1.manage-units"
	type question struct {
		ID      string            `json:"id"`
		User    string            `json:"user"`
		Details map[string]string `json:"details"`
	}
	restart := func(unit string) map[string]string { return map[string]string{"unit": unit, "verb": "restart"} }
	table := []struct {
		question
		want string
	}{
		{question{manage, "healthcheck_exporter", restart("shop.service")}, "yes"},
		{question{manage, "healthcheck_exporter", restart("worker@1.service")}, "yes"},
		{question{manage, "healthcheck_exporter", restart("worker@2.service")}, ""},
		{question{manage, "healthcheck_exporter", restart("ssh.service")}, ""},
		{question{manage, "healthcheck_exporter", map[string]string{}}, ""},
		{question{manage, "healthcheck_exporter", map[string]string{"unit": "shop.service", "verb": "stop"}}, ""},
		{question{manage, "healthcheck_exporter", map[string]string{"unit": "shop.service", "verb": "start"}}, ""},
		{question{manage, "www-data", restart("shop.service")}, ""},
		{question{"org.freedesktop.systemd1.manage-unit-files", "healthcheck_exporter", restart("shop.service")}, ""},
	}
	questions := make([]question, 0, len(table))
	for _, tt := range table {
		questions = append(questions, tt.question)
	}
	text, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "node", "-e", evaluate, "../examples/polkit/50-healthcheck_exporter.rules", string(text)).CombinedOutput()
	var answers []string
	if err != nil || json.Unmarshal(out, &answers) != nil || len(answers) != len(table) {
		t.Fatalf("node: %v\n%s", err, out)
	}
	for i, tt := range table {
		if answers[i] != tt.want {
			t.Errorf("%+v is answered %q, want %q", tt.question, answers[i], tt.want)
		}
	}
}
