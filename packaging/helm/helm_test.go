//go:build helm

package helm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/golden"
)

// program is the path of the pinned helm, which is compiled the first time.
var program = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-modfile=../../tools/helm/go.mod", "-n", "helm").Output()
	return strings.TrimSpace(string(out)), err
})

// helm runs the pinned helm, which knows no cluster and nothing of whoever runs the test.
func helm(t *testing.T, argv ...string) (out string, err error) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatalf("building helm: %v", err)
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), path, argv...)
	cmd.Env = append(os.Environ(), "HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"),
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stderr.String(), err
	}
	return stdout.String(), nil
}

// template renders the chart as the release healthcheck-exporter in the namespace monitoring.
func template(t *testing.T, argv ...string) (string, error) {
	t.Helper()
	return helm(t, append([]string{"template", "healthcheck-exporter", chart, "--namespace=monitoring"}, argv...)...)
}

// TestRender compares what the values files make of the chart with the golden files, which the other tests read. This file comes
// first by its name, so that with -update they read what was just written.
func TestRender(t *testing.T) {
	for name, values := range cases(t) {
		out, err := template(t, "--values="+values)
		if err != nil {
			t.Errorf("%s: %s", name, out)
			continue
		}
		golden.Compare(t, rendered(name), out)
	}
}

// TestNotes compares what Helm prints after an installation. Because helm template leaves that out, a copy of the chart has it in an
// object.
func TestNotes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), chart)
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "templates", "notes.yaml"), "notes: |\n{{ include (print .Template.BasePath \"/NOTES.txt\") . | indent 2 }}\n")
	for _, name := range []string{"default", "networkpolicy", "several", "secrets", "off", "example-restarts"} {
		out, err := helm(t, "template", "healthcheck-exporter", dir, "--namespace=monitoring", "--values="+cases(t)[name], "--show-only=templates/notes.yaml")
		if err != nil {
			t.Fatalf("%s: %s", name, out)
		}
		_, notes, _ := strings.Cut(out, "notes: |\n")
		golden.Compare(t, "testdata/notes/"+name+".txt", notes)
	}
}

func TestLint(t *testing.T) {
	for name, values := range cases(t) {
		if out, err := helm(t, "lint", "--strict", "--quiet", chart, "--values="+values); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestRefused: every mistake is refused with a text that names the value and what to do.
func TestRefused(t *testing.T) {
	const (
		restarts = "config: {restart: {mode: observe, services: [{name: web, kubernetes: {kind: deployment, namespace: shop, name: web}}]}}\n"
		armed    = restarts + "restarts: {token: {existingSecret: s}}\npersistence: {enabled: true}\n"
		managed  = "config: {managed: {targets: true}, access: {users: [{name: alice, role: edit}]}}\n"
	)
	for _, tt := range []struct {
		name, values string
		want         []string
	}{
		{"a typo", "replica: 2", []string{"additional properties 'replica' not allowed"}},
		{"a typo inside", "persistence: {enable: true}", []string{"at '/persistence': additional properties 'enable' not allowed"}},
		{"a kind", "replicas: two", []string{"at '/replicas': got string, want integer"}},
		{"none", "replicas: 0", []string{"at '/replicas'"}},
		{"a digest", "image: {digest: latest}", []string{"at '/image/digest'"}},
		{"kinds in the configuration", "config: {access: {users: alice}, managed: true, restart: {defaults: 2m, leader_election: a, " +
			"receiver: {basic_auth: a}, services: [web, {name: web, kubernetes: web}]}, status: 'on'}", []string{
			"at '/config/access/users': got string, want null or array", "at '/config/managed': got boolean, want null or object",
			"at '/config/restart/defaults': got string", "at '/config/restart/leader_election': got string", "at '/config/restart/receiver/basic_auth': got string",
			"at '/config/restart/services/0': got string, want object", "at '/config/restart/services/1/kubernetes': got string", "at '/config/status': got string",
		}},
		{"restarts that are no section", "config: {restart: enforce, access: operate}", []string{
			"at '/config/restart': got string", "at '/config/access': got string",
		}},
		{"sections of the configuration without their lines", "config: {access: null, managed: null, status: null, restart: null}", nil},
		{"restarts without their lines", "config: {restart: {services: null, receiver: null, defaults: null, leader_election: null}}\n" +
			"persistence: {enabled: true}\nrestarts: {token: {existingSecret: s}}", nil},
		{"nulls", "replicas: null\nimage: {repository: null}\nconfig: null\npersistence: {size: null}\nserviceAccount: {create: null}\n" +
			"networkPolicy: {enabled: null, apps: null}\nmonitoring: null", []string{
			"at '': missing properties 'replicas', 'config', 'monitoring'", "at '/image': missing property 'repository'",
			"at '/persistence': missing property 'size'", "at '/serviceAccount': missing property 'create'",
			"at '/networkPolicy': missing properties 'enabled', 'apps'",
		}},
		{"a section without its lines", "networkPolicy:\n#  enabled: true\n", []string{"at '': missing property 'networkPolicy'"}},
		{"a name", "fullnameOverride: My_Name.", []string{"at '/fullnameOverride'"}},
		{"a name that begins with a digit", "nameOverride: 1shop", []string{"at '/nameOverride'"}},
		{"a name of another object", "persistence: {enabled: true, existingClaim: My_Claim}", []string{"at '/persistence/existingClaim'"}},
		{"a Secret without a name", "secrets: [{secret: '', keys: [a]}]", []string{"at '/secrets/0/secret'"}},
		{"a size that is not whole", "persistence: {size: 1.5Gi}", []string{"at '/persistence/size'"}},
		{"a size in thousandths", "persistence: {size: 500m}", []string{"at '/persistence/size'"}},
		{"an empty list", "inventory: {e.yml: ''}", []string{"at '/inventory/e.yml'"}},
		{"a list of empty lines", "inventory: {e.yml: \"\\n \\n\"}", []string{"at '/inventory/e.yml'"}},
		{"variables that are not objects", "extraEnv: [A=b]", []string{"at '/extraEnv/0': got string, want object"}},
		{"volumes that are not a list", "extraVolumes: {name: ca}", []string{"at '/extraVolumes': got object, want array"}},
		{"mounts that are not objects", "extraVolumeMounts: [/etc/ca]", []string{"at '/extraVolumeMounts/0': got string, want object"}},
		{"whom it runs as", "podSecurityContext: null", []string{"at '': missing property 'podSecurityContext'"}},
		{"a list that is not read", "inventory: {targets: []}", []string{"at '/inventory': additional properties 'targets' not allowed"}},
		{"a list that would replace the configuration", "inventory: {healthcheck.yml: []}", []string{"inventory: healthcheck.yml is the configuration"}},
		{"no token and no volume", restarts, []string{
			"restarts.token.existingSecret: config.restart needs the token",
			"kubectl -n monitoring create secret generic healthcheck-restart --from-literal=restart_token=",
			"persistence.enabled: config.restart needs it",
		}},
		{"no volume", restarts + "restarts: {token: {value: s}}", []string{"persistence.enabled: config.restart needs it"}},
		{"no Lease", armed + "replicas: 2", []string{"restarts.lease.enabled: 2 exporters would each restart the same services: set it to true"}},
		{"a workload without a namespace", strings.Replace(armed, "namespace: shop, ", "", 1), []string{
			`config.restart.services: kubernetes has {"kind":"deployment","name":"web"}, want`,
		}},
		{"a bare off", "config: {restart: {mode: off}}\nrestarts: {token: {existingSecret: s}}\npersistence: {enabled: true}", []string{
			"config.restart.mode: is false", "write 'off' with quotes",
		}},
		{"a bare off of a service", strings.Replace(armed, "{name: web,", "{name: web, mode: off,", 1), []string{"the mode of web is false"}},
		{"a bare off of probes", "config: {status: {self_probe: off}}", []string{"config.status.self_probe: is a bool"}},
		{"everybody may ask", strings.Replace(armed, "observe,", "observe, receiver: {insecure: true},", 1), []string{
			"config.restart.receiver.insecure: everybody",
		}},
		{"a token for everybody", strings.Replace(armed, "observe,", "observe, receiver: {bearer_token: s},", 1), []string{
			"config.restart.receiver: has a secret",
		}},
		{"a password for everybody", strings.Replace(armed, "observe,", "observe, receiver: {basic_auth: {password: s}},", 1), []string{
			"config.restart.receiver: has a secret",
		}},
		{"a password that is not there", strings.Replace(restarts, "observe,", "observe, receiver: {basic_auth: null, bearer_token_file: s},", 1) +
			"persistence: {enabled: true}", nil},
		{"two receivers", strings.Replace(armed, "observe,", "observe, receiver: {bearer_token_file: s},", 1), []string{
			"config.restart.receiver: restarts.token says the same",
		}},
		{"several with a Lease", strings.Replace(armed, "{existingSecret: s}}", "{existingSecret: s}, lease: {enabled: true}}", 1) + "replicas: 2", nil},
		{"two elections", strings.NewReplacer("observe,", "observe, leader_election: {namespace: a, lease: b},",
			"{existingSecret: s}}", "{existingSecret: s}, lease: {enabled: true}}").Replace(armed), []string{
			"config.restart.leader_election: restarts.lease.enabled says the same",
		}},
		{"a Lease without a name", strings.Replace(armed, "observe,", "observe, leader_election: {namespace: a},", 1), []string{
			`config.restart.leader_election: is {"namespace":"a"}, want namespace and lease`,
		}},
		{"rights for everybody", armed + "serviceAccount: {create: false}", []string{
			"serviceAccount.name: every Pod that names no account runs as default, and would get the right to restart",
		}},
		{"rights for everybody by name", armed + "serviceAccount: {name: default}", []string{"serviceAccount.name: every Pod"}},
		{"the account of everybody without rights", "serviceAccount: {create: false}", nil},
		{"the account of everybody with the rights that you give it", strings.Replace(armed, "{existingSecret: s}}", "{existingSecret: s}, rbac: {create: false}}", 1) +
			"serviceAccount: {create: false}", nil},
		{"no route to restarts", strings.Replace(restarts, "observe,", "observe, receiver: {bearer_token_file: s},", 1) +
			"persistence: {enabled: true}\nmonitoring: {alertmanagerConfig: {enabled: true}}", []string{
			"monitoring.alertmanagerConfig.enabled: Alertmanager takes the token of restarts from restarts.token alone",
		}},
		{"restarts without alerts", strings.Replace(restarts, "observe,", "observe, defaults: {without_alert_after: 2m},", 1) +
			"persistence: {enabled: true}\nmonitoring: {alertmanagerConfig: {enabled: true}}", nil},
		{"a token for nothing", "restarts: {token: {existingSecret: s}}", []string{"restarts.token: does nothing without config.restart"}},
		{"a made token for nothing", "restarts: {token: {value: s}}", []string{"restarts.token: does nothing without config.restart"}},
		{"a Lease for nothing", "restarts: {lease: {enabled: true}}", []string{"restarts.lease.enabled: does nothing without config.restart"}},
		{"one file of two Secrets", "secrets: [{secret: a, keys: [k]}, {secret: b, keys: [k]}]", []string{"secrets: the key k is there twice"}},
		{"the file of the token", armed + "secrets: [{secret: a, keys: [restart_token]}]", []string{"secrets: the key restart_token is there twice"}},
		{"a key like that of no token", "secrets: [{secret: a, keys: [restart_token]}]", nil},
		{"the chart's own label", "podLabels: {app.kubernetes.io/name: foo}", []string{"podLabels: app.kubernetes.io/name is for the chart to set"}},
		{"the chart's other label", "podLabels: {app.kubernetes.io/instance: foo}", []string{"podLabels: app.kubernetes.io/instance is for"}},
		{"a label that all objects have", "monitoring: {labels: {helm.sh/chart: foo}}", []string{"monitoring.labels: helm.sh/chart is for the chart to set"}},
		{"the chart's annotation", "rolloutOnChange: true\npodAnnotations: {checksum/config: foo}", []string{"podAnnotations: checksum/config is for the chart to set"}},
		{"an annotation that the chart does not set", "podAnnotations: {checksum/config: foo}", nil},
		{"names that are cut at a hyphen", "fullnameOverride: " + strings.Repeat("a", 50) + "--b\nnameOverride: " + strings.Repeat("a", 50) + "--b", nil},
		{"channels that are lost", "config: {alertmanager: {base: a}}", []string{"persistence.enabled: config.alertmanager needs it"}},
		{"a claim that is not used", "persistence: {existingClaim: c}", []string{"persistence.enabled: persistence.existingClaim needs it"}},
		{"a token of a user for everybody", "config: {access: {users: [{name: ci, bearer_token: s}]}}", []string{
			"config.access.users: the bearer_token of ci",
		}},
		{"secrets of requests for everybody", "config: {modules: {a: {http: {basic_auth: {password: 1234}, http_headers: {X-Key: {secrets: [s]}}, " +
			"tls_config: {key: \"-----BEGIN PRIVATE KEY-----\\n\"}}}}, target_apis: [{bearer_token: s}]}", []string{
			"config.modules.a.http.basic_auth.password: could be read by everybody in the ConfigMap: write password_file: /etc/healthcheck_exporter/secrets/KEY instead",
			"config.modules.a.http.http_headers.X-Key.secrets: could be read by everybody in the ConfigMap: write files: [/etc/healthcheck_exporter/secrets/KEY] instead",
			"config.modules.a.http.tls_config.key: ", "config.target_apis[0].bearer_token: ",
		}},
		{"secrets of restarts for everybody", strings.Replace(armed, "kubernetes:", "http: {authorization: {credentials: s}}, kubernetes:", 1), []string{
			"config.restart.services[0].http.authorization.credentials: ",
		}},
		{"no secrets", "config: {modules: {a: {http: {basic_auth: {password: '', password_file: f}, oauth2: {endpoint_params: {password: p}}}}}, " +
			"targets: [{name: a, url: 'http://a', labels: {password: p}}]}", nil},
		{"nobody may edit", "config: {managed: {targets: true}}\npersistence: {enabled: true}", []string{"config.managed.targets: nobody may edit"}},
		{"edits that are lost", managed, []string{"persistence.enabled: config.managed needs it"}},
		{"edits by one of several", managed + "persistence: {enabled: true}\nreplicas: 2", []string{"replicas: config.managed needs 1"}},
		{"several that write one file", "config: {alertmanager: {base: a}}\nreplicas: 2", []string{"replicas: config.alertmanager needs 1"}},
		{"several that probe everything", "config: {status: {self_probe: when_stale}}\nreplicas: 2", []string{"replicas: config.status.self_probe needs 1"}},
		{"one claim for several", "persistence: {enabled: true, existingClaim: c}\nreplicas: 2", []string{"persistence.existingClaim: several"}},
		{"every series twice", "monitoring: {serviceMonitor: {enabled: true}}\nreplicas: 2", []string{
			"monitoring.serviceMonitor.enabled: Prometheus would get every series from each exporter",
		}},
		{"two that scrape", "monitoring: {serviceMonitor: {enabled: true}, scrapeConfig: {enabled: true}}", []string{
			"monitoring.serviceMonitor.enabled: monitoring.scrapeConfig scrapes the same",
		}},
		{"Prometheus without a token", "config: {access: {anonymous: none}}\nmonitoring: {scrapeConfig: {enabled: true}}", []string{
			"monitoring.token.secret: with config.access.anonymous: none",
		}},
		{"the world may probe", "service: {type: LoadBalancer}", []string{"service.type: LoadBalancer lets everybody", "config.access.anonymous to none"}},
		{"a budget for one", "podDisruptionBudget: {enabled: true}", []string{"podDisruptionBudget.enabled: one replica"}},
		{"the chart's own flag", "extraArgs: [--storage.path=/tmp]", []string{"extraArgs: --storage.path=/tmp is for the chart to set"}},
		{"the chart's own flag without a port", "extraArgs: [--web.systemd-socket]", []string{"extraArgs: --web.systemd-socket is for the chart to set"}},
		{"a path that the kubelet does not know", "extraArgs: [--web.external-url=https://ops.example.com/healthcheck/]", []string{
			"extraArgs: --web.external-url=https://ops.example.com/healthcheck/ has a path", "/-/healthy",
		}},
		{"a URL", "extraArgs: [--web.external-url=https://ops.example.com/]", nil},
		{"one URL for several", "extraArgs: [--web.external-url=https://ops.example.com]\nreplicas: 2", []string{
			"extraArgs: --web.external-url=https://ops.example.com would be the one address of all 2 exporters",
		}},
		{"the chart's own flag negated", "extraArgs: [--no-config.enable-auto-reload]", []string{"extraArgs: --no-config.enable-auto-reload"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(file, []byte(tt.values), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := template(t, "--values="+file)
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("helm template: %v\n%s\n%s", err, tt.values, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("the error has no %q:\n%s", want, out)
				}
			}
		})
	}
}

// TestReleases: a release may be called anything of which a Service can be called.
func TestReleases(t *testing.T) {
	for name, want := range map[string]string{
		"shop":                 "",
		"my.rel":               "fullnameOverride: Kubernetes refuses Services called my.rel-healthcheck-exporter",
		"1shop":                "fullnameOverride: Kubernetes refuses Services called 1shop-healthcheck-exporter",
		"healthcheck-exporter": "",
	} {
		out, err := helm(t, "template", name, chart)
		if (err != nil) != (want != "") || !strings.Contains(out, want) {
			t.Errorf("%s: %v, want the error %q:\n%s", name, err, want, out)
		}
	}
}

// TestNames: what looks like a number or a null is a name wherever the values have it.
func TestNames(t *testing.T) {
	const values = `
nameOverride: 'null'
fullnameOverride: 'null'
image: {repository: '10', tag: '20'}
imagePullSecrets: [{name: '101'}]
config:
  restart:
    mode: observe
    leader_election: {namespace: '102', lease: '103'}
    services: [{name: web, kubernetes: {kind: deployment, namespace: '104', name: '105'}}]
secrets: [{secret: '106', keys: ['007']}]
restarts: {token: {key: '008'}}
serviceAccount: {name: '108'}
networkPolicy: {namespace: '109', apps: ['110']}
monitoring:
  labels: {release: '111'}
  token: {secret: '112', key: '113'}
  prometheusRule: {enabled: true}
  alertmanagerConfig: {enabled: true, slack: {secret: '114', liveKey: '115', unknownKey: '116'}}
podLabels: {team: '117'}
priorityClassName: '118'
`
	for _, more := range []string{
		"persistence: {enabled: true, existingClaim: '001'}\nrestarts: {token: {value: '107'}}\nmonitoring: {serviceMonitor: {enabled: true}}",
		"persistence: {enabled: true, storageClassName: '002'}\nrestarts: {token: {existingSecret: '107'}}\nmonitoring: {scrapeConfig: {enabled: true}}\n" +
			"replicas: 2\npodDisruptionBudget: {enabled: true}",
	} {
		file, second := filepath.Join(t.TempDir(), "values.yaml"), filepath.Join(t.TempDir(), "more.yaml")
		put(t, file, values)
		put(t, second, more)
		out, err := helm(t, "template", "2024", chart, "--namespace=2025", "--values="+file, "--values="+second)
		if err != nil {
			t.Fatal(out)
		}
		seen := quoted(t, out, regexp.MustCompile(`^(null|10:20|0\d\d|1\d\d|202\d)$`))
		for _, text := range regexp.MustCompile(`'(\w+)'`).FindAllStringSubmatch(values+more, -1) {
			if !seen[text[1]] && len(text[1]) > 2 {
				t.Errorf("the name %s is nowhere", text[1])
			}
		}
	}
}

// quoted are the scalars of documents that match, each of which has to be in quotes.
func quoted(t *testing.T, text string, name *regexp.Regexp) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && name.MatchString(n.Value) {
			seen[n.Value] = true
			if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
				t.Errorf("a bare %s:\n%s", n.Value, strings.Split(text, "\n")[n.Line-1])
			}
		}
		for _, child := range n.Content {
			look(child)
		}
	}
	for documents := yaml.NewDecoder(strings.NewReader(text)); ; {
		var n yaml.Node
		if err := documents.Decode(&n); errors.Is(err, io.EOF) {
			return seen
		} else if err != nil {
			t.Fatal(err)
		}
		look(&n)
	}
}

// TestTwoNamespaces: the same release in two namespaces makes no object twice, also where both restart the same.
func TestTwoNamespaces(t *testing.T) {
	seen := map[string]bool{}
	for _, namespace := range []string{"a", "b"} {
		out, err := helm(t, "template", "healthcheck-exporter", chart, "--namespace="+namespace, "--values="+cases(t)["example-restarts"])
		if err != nil {
			t.Fatal(out)
		}
		file := filepath.Join(t.TempDir(), "all.yaml")
		put(t, file, out)
		for id := range objects(t, file) {
			if seen[id] {
				t.Errorf("both make %s", id)
			}
			seen[id] = true
		}
	}
}

// TestReadmeYAML: the values in the README can be used, and its objects find the Pods.
func TestReadmeYAML(t *testing.T) {
	pod := at(objects(t, rendered("default"))[key("Deployment", "monitoring", chart)], "spec", "template", "metadata", "labels")
	blocks := regexp.MustCompile("(?s)```yaml\n(.+?)```").FindAllStringSubmatch(read(t, chart+"/README.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("there are none")
	}
	for _, block := range blocks {
		file := filepath.Join(t.TempDir(), "block.yaml")
		put(t, file, block[1])
		if !strings.HasPrefix(block[1], "apiVersion:") {
			if out, err := template(t, "--values="+file); err != nil {
				t.Errorf("%s\n%s", block[1], out)
			}
			continue
		}
		for id, o := range objects(t, file) {
			selector := at(o, "spec", "selector")
			for _, name := range []string{"podSelector", "endpointSelector"} {
				if s := at(o, "spec", name, "matchLabels"); s != nil {
					selector = s
				}
			}
			if diff := cmp.Diff(pod, selector); diff != "" {
				t.Errorf("%s (-Pod +README):\n%s", id, diff)
			}
		}
	}
}

// TestPackage: the archive of a release, and what helm package makes, render as the directory does.
func TestPackage(t *testing.T) {
	if _, err := os.Stat("../../.git"); err != nil {
		t.Skip("a release is made of a commit, and this is not a checkout")
	}
	byHelm, first, second := t.TempDir(), t.TempDir(), t.TempDir()
	if out, err := helm(t, "package", chart, "--destination="+byHelm); err != nil {
		t.Fatal(out)
	}
	release(t, first, "umask 022")
	release(t, second, "umask 077; export TZ=Asia/Seoul LANG=ko_KR.UTF-8")
	archive := "healthcheck-exporter-" + strings.TrimSpace(read(t, "../../VERSION")) + ".tgz"
	if read(t, filepath.Join(first, archive)) != read(t, filepath.Join(second, archive)) {
		t.Error("the archive of a release differs when it is made again")
	}
	for name, values := range cases(t) {
		want := read(t, rendered(name))
		for _, dir := range []string{byHelm, first} {
			got, err := helm(t, "template", "healthcheck-exporter", filepath.Join(dir, archive), "--namespace=monitoring", "--values="+values)
			if err != nil {
				t.Fatal(got)
			}
			if got != want {
				t.Errorf("%s: %s in %s renders otherwise than the directory", name, archive, dir)
			}
		}
	}
}

// release makes the archive of a release in a directory.
func release(t *testing.T, dir, before string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", before+`; exec ../build.sh chart "$0"`, dir)
	// The checkout may belong to somebody else, as in a container that runs as another user.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("build.sh chart: %v\n%s", err, out)
	}
}
