package api

// InCluster returns a client as in a pod whose service account is in dir.
func InCluster(dir string) (*Client, error) {
	c, err := inCluster(dir)
	if err != nil {
		return nil, err
	}
	return c.connect()
}

// The parsers of what comes from outside.
var (
	ParseKubeconfig = func(text []byte) error { _, err := parseKubeconfig(text, "", "/nowhere"); return err }
	ParseCredential = func(text []byte) error { _, err := parseCredential(text, execV1); return err }
)
