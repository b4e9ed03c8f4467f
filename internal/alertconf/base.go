package alertconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxBase is how large a base file may be, in bytes, and maxRoutes how many routes it may have.
const (
	maxBase   = 1 << 20
	maxRoutes = 10_000
)

// maxClient is how many keys and values its global http_config may have: each channel has them as well.
const maxClient = 1000

// A base is a configuration of Alertmanager with a place for channels.
type base struct {
	root      *yaml.Node
	marked    *yaml.Node // the route below which the channels are
	receivers *yaml.Node // the list
	names     []string   // of the receivers
	client    *yaml.Node // http_config of the section global; nil: there is none
}

// CheckBase returns why channels cannot be put into a base file. What else is wrong with it Alertmanager says.
func CheckBase(data []byte) error {
	_, err := parseBase(data)
	return err
}

// Receivers returns the names of the receivers of a base file.
func Receivers(data []byte) ([]string, error) {
	b, err := parseBase(data)
	if err != nil {
		return nil, err
	}
	return b.names, nil
}

func parseBase(data []byte) (*base, error) {
	if len(data) > maxBase {
		return nil, fmt.Errorf("it has %d bytes, want %d at most", len(data), maxBase)
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("it is not a configuration of Alertmanager: %w", syntaxError(data, err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one YAML document, want one")
	}
	b := &base{root: &doc}
	if doc.Kind != yaml.DocumentNode || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it is not a configuration of Alertmanager: want a mapping with route and receivers")
	}
	top := doc.Content[0]
	if err := b.findReceivers(member(top, "receivers")); err != nil {
		return nil, err
	}
	if err := b.findClient(member(member(top, "global"), "http_config")); err != nil {
		return nil, err
	}
	found := 0
	if err := b.findMarked(member(top, "route"), &found); err != nil {
		return nil, err
	}
	switch {
	case b.marked == nil:
		return nil, fmt.Errorf("no route has the receiver %q, want one, below which the channels are", MarkedReceiver)
	case member(b.marked, "routes") != nil:
		return nil, fmt.Errorf("line %d: the route with the receiver %q has routes of its own, want none: the channels are there", b.marked.Line, MarkedReceiver)
	}
	return b, nil
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)

// syntaxError is an error of the parser. The name of an alias is not shown: it may be a password that begins with an asterisk and
// needs quotes.
func syntaxError(data []byte, err error) error {
	m := unknownAnchor.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
	return fmt.Errorf("line %d: an alias (*name) refers to nothing; quote a text that begins with \"*\"", bytes.Count(before, []byte("\n"))+1)
}

func (b *base) findReceivers(list *yaml.Node) error {
	if list == nil || list.Kind != yaml.SequenceNode {
		return errors.New("it has no list of receivers")
	}
	b.receivers = list
	marked := false
	for _, item := range list.Content {
		name := member(resolved(item), "name")
		if name == nil {
			return fmt.Errorf("line %d: a receiver has no name", item.Line)
		}
		if strings.HasPrefix(name.Value, ourReceivers) {
			return fmt.Errorf("line %d: the receiver %q begins with %s, which the channels' have", item.Line, name.Value, ourReceivers)
		}
		marked = marked || name.Value == MarkedReceiver
		b.names = append(b.names, name.Value)
	}
	if !marked {
		return fmt.Errorf("there is no receiver %q, want one: it gets what no channel takes", MarkedReceiver)
	}
	return nil
}

func (b *base) findClient(client *yaml.Node) error {
	if client == nil || client.Kind != yaml.MappingNode {
		return nil // what Alertmanager says of it
	}
	left := maxClient
	copied(client, nil, &left)
	if left < 0 {
		return fmt.Errorf("line %d: http_config has more than %d values", client.Line, maxClient)
	}
	b.client = client
	return nil
}

// findMarked finds the marked route. A route that is an alias would be there twice, with the channels of both.
func (b *base) findMarked(route *yaml.Node, found *int) error {
	*found++
	if *found > maxRoutes {
		return fmt.Errorf("it has more than %d routes", maxRoutes)
	}
	if route == nil {
		return errors.New("it has no route")
	}
	at := resolved(route)
	if at.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want a route", route.Line)
	}
	if r := member(at, "receiver"); r != nil && r.Value == MarkedReceiver {
		if b.marked != nil {
			return fmt.Errorf("lines %d and %d: two routes have the receiver %q, want one", b.marked.Line, at.Line, MarkedReceiver)
		}
		b.marked = at
	}
	routes := member(at, "routes")
	if routes == nil {
		return nil
	}
	for _, child := range resolved(routes).Content {
		if err := b.findMarked(child, found); err != nil {
			return err
		}
	}
	return nil
}

// intervals are the keys of the marked route that mute it at times, and their values.
func (b *base) intervals() (pairs []*yaml.Node) {
	for _, key := range []string{"mute_time_intervals", "active_time_intervals"} {
		names := member(b.marked, key)
		if names == nil || names.Kind != yaml.SequenceNode { // nothing, or what Alertmanager refuses
			continue
		}
		var all []string
		for _, name := range names.Content {
			all = append(all, resolved(name).Value)
		}
		pairs = append(pairs, text(key), list(all...))
	}
	return pairs
}

// resolved follows an alias.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// copied is a node without anchors and comments, with what its aliases stand for, and without some keys of the mapping that it is. It
// takes one off left for each key and value, and ends when nothing is left.
func copied(n *yaml.Node, without map[string]bool, left *int) *yaml.Node {
	n = resolved(n)
	c := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	*left--
	for i, item := range n.Content {
		if *left < 0 {
			break
		}
		below := without
		if n.Kind == yaml.MappingNode {
			key := resolved(n.Content[i&^1])
			if without[key.Value] {
				continue
			}
			if key.Tag != mergeTag {
				below = nil
			}
		}
		c.Content = append(c.Content, copied(item, below, left))
	}
	return c
}

// maxMerged is how deep mappings may be merged into one another: one may be merged into itself.
const maxMerged = 10

// member is the value of a key of a mapping, also of those that are merged into it. It is nil if the mapping does not have the key.
func member(n *yaml.Node, key string) *yaml.Node { return memberBelow(n, key, maxMerged) }

func memberBelow(n *yaml.Node, key string, depth int) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode || depth == 0 {
		return nil
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch name, value := resolved(n.Content[i]), resolved(n.Content[i+1]); {
		case name.Value == key:
			return value
		case name.Tag != mergeTag:
		case value.Kind == yaml.SequenceNode:
			merged = append(merged, value.Content...)
		default:
			merged = append(merged, value)
		}
	}
	for _, m := range merged {
		if found := memberBelow(resolved(m), key, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// mergeTag is the tag of the key <<, whose value is merged into the mapping around it.
const mergeTag = "!!merge"
