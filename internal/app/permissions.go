package app

import (
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/permission"
)

// maxPermissionWarnings is how many warnings of one load are logged; the command check shows all.
const maxPermissionWarnings = 20

// checkPermissions refuses a configuration if anybody could decide what it does. Of what is only doubtful it warns, and
// not again at the next load.
func (a *App) checkPermissions(file string, c *config.Config) error {
	found := permission.CheckConfig(file, c)
	if web := *a.opts.Web.WebConfigFile; web != "" {
		found = append(found, permission.Check(webFiles(web)...)...)
	}
	if err := permission.Err(file+": ", found); err != nil {
		return err
	}
	warnings := permission.Warnings(found)
	told := 0
	for _, text := range warnings {
		if slices.Contains(a.warned, text) {
			continue
		}
		told++
		if told > maxPermissionWarnings {
			a.log.Warn("More files have doubtful permissions, the command check names all", "path", file)
			break
		}
		a.log.Warn("A file has doubtful permissions", "path", file, "reason", text)
	}
	a.warned = warnings
	return nil
}

// webFiles are the web configuration and the key that it names.
func webFiles(path string) []permission.File {
	all := []permission.File{{Place: "--web.config.file", Path: path, Use: permission.Access}}
	var web struct {
		TLS struct {
			Key string `yaml:"key_file"`
		} `yaml:"tls_server_config"`
	}
	text, err := os.ReadFile(path)
	if err != nil || yaml.Unmarshal(text, &web) != nil || web.TLS.Key == "" {
		return all // what is wrong with it is said where it is used
	}
	if !filepath.IsAbs(web.TLS.Key) {
		web.TLS.Key = filepath.Join(filepath.Dir(path), web.TLS.Key)
	}
	return append(all, permission.File{Place: "--web.config.file: tls_server_config.key_file", Path: web.TLS.Key, Use: permission.Secret})
}
