package importer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// UptimeKuma takes the monitors of a backup of Uptime Kuma that are probed over HTTP or by WebSocket.
func (im *Importer) UptimeKuma(name string, data []byte) error {
	data = withoutMark(data)
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return fmt.Errorf("reading %q: it is not valid JSON: line %d", name, wrongLine(data, err)) // the error may repeat a secret
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %q: there is something after the backup", name)
	}
	backup, _ := doc.(map[string]any)
	list, ok := kumaList(doc)
	if !ok {
		return fmt.Errorf("reading %q: it has no monitorList, want a backup of Uptime Kuma", name)
	}
	k := &kuma{batch: &batch{im: im, file: name}, proxies: byID(backup["proxyList"]), monitors: byID(list)}
	before := len(im.targets)
	for i, v := range list {
		values, ok := v.(map[string]any)
		if !ok {
			im.drop("%s: monitorList[%d]: want an object", name, i)
			continue
		}
		k.monitor(newRecord(values))
	}
	if notifications, _ := backup["notificationList"].([]any); len(notifications) > 0 {
		im.drop("%s: notificationList (%d of them): %s", name, len(notifications), gatusSections["alerting"])
	}
	k.end()
	if len(im.targets) > before {
		im.change("%s: requests have no User-Agent and no Accept of Uptime Kuma, and HTTP/2 is spoken where a target offers it", name)
	}
	return nil
}

// withoutMark removes the byte order mark that Windows puts before a text.
func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\ufeff")) }

// wrongLine is the line in which JSON could not be read.
func wrongLine(data []byte, err error) int {
	before := bytes.TrimRight(data, "\r\n") // of io.ErrUnexpectedEOF
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before = data[:max(0, min(syntax.Offset, int64(len(data)))-1)]
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		before = data[:min(wrong.Offset, int64(len(data)))]
	}
	return bytes.Count(before, []byte("\n")) + 1
}

// kumaList is the list of monitors: that of a backup, or all that there is. It may be an object with them by their numbers, as the API
// of Uptime Kuma sends it.
func kumaList(doc any) (list []any, ok bool) {
	if list, ok = doc.([]any); ok {
		return list, true
	}
	object, _ := doc.(map[string]any)
	if monitors, isBackup := object["monitorList"]; isBackup {
		if list, ok = monitors.([]any); ok {
			return list, true
		}
		object, ok = monitors.(map[string]any)
	} else {
		ok = len(object) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(object)), func(key string) bool { return !isNumber.MatchString(key) })
	}
	keys := slices.SortedFunc(maps.Keys(object), func(a, b string) int {
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	})
	for _, key := range keys {
		list = append(list, object[key])
	}
	return list, ok
}

// isNumber is the key of a monitor.
var isNumber = regexp.MustCompile(`^\d+$`)

// byID finds the objects of a list by their number.
func byID(list any) map[string]map[string]any {
	all := map[string]map[string]any{}
	items, _ := list.([]any)
	for _, item := range items {
		if values, ok := item.(map[string]any); ok {
			if id, ok := scalarText(values["id"]); ok && id != "" {
				all[id] = values
			}
		}
	}
	return all
}

// A kuma reads the monitors of a backup.
type kuma struct {
	*batch
	proxies, monitors map[string]map[string]any
}

// kumaElsewhere are keys that are about other types of monitors, about how they are shown, or about what else is kept of them.
var kumaElsewhere = []string{
	"id", "path", "pathName", "childrenIDs", "weight", "forceInactive", "maintenance", "screenshot", "includeSensitiveData", "hostname", "port", "packetSize", "dns_resolve_type",
	"dns_resolve_server", "dns_last_result", "game", "gamedigGivenPortOnly", "docker_container", "docker_host", "pushToken", "grpcUrl", "grpcProtobuf", "grpcMethod", "grpcServiceName",
	"grpcEnableTls", "grpcBody", "grpcMetadata", "databaseConnectionString", "databaseQuery", "radiusUsername", "radiusPassword", "radiusSecret", "radiusCalledStationId",
	"radiusCallingStationId", "mqttTopic", "mqttSuccessMessage", "mqttUsername", "mqttPassword", "mqttCheckType", "mqttWebsocketPath", "kafkaProducerTopic", "kafkaProducerBrokers",
	"kafkaProducerSsl", "kafkaProducerAllowAutoTopicCreation", "kafkaProducerMessage", "kafkaProducerSaslOptions", "remote_browser", "snmpOid", "snmpVersion", "rabbitmqNodes",
	"rabbitmqUsername", "rabbitmqPassword", "smtpSecurity", "ping_count", "ping_numeric", "ping_per_request_timeout", "manual_status", "saveResponse", "saveErrorResponse",
	"responseMaxLength", "authWorkstation", "authDomain", "httpBodyEncoding", "jsonPath", "jsonPathOperator", "expectedValue", "keyword", "invertKeyword", "wsSubprotocol",
	"conditions", "basic_auth_user", "basic_auth_pass", "bearer_token", "oauth_client_id", "oauth_client_secret", "oauth_token_url", "oauth_scopes", "oauth_auth_method", "oauth_audience",
	"tlsCa", "tlsCert", "tlsKey", "retryInterval", "retryOnlyOnStatusCodeFailure", "user_id", "subtype", "location", "protocol",
	"groupNotifications", "system_service_name", "screenshot_delay", "ntpStratumThreshold", "ntpTimeOffsetThreshold", "ntpRootDispersionThreshold", "expectedTlsAlert", "gamedigToken",
}

// kumaWithout are keys that have no equivalent, with the reason.
var kumaWithout = map[string]string{
	"cacheBust":                "every request has the same URL here",
	"domainExpiryNotification": gatusElsewhere["[DOMAIN_EXPIRATION]"],
}

// monitor takes one monitor.
func (k *kuma) monitor(r *record) {
	k.pending = nil
	kind, address := r.text("type"), strings.TrimSpace(r.text("url"))
	m := &monitor{name: k.title(r.text("name"), address), url: address, labels: map[string]string{}}
	parts := kumaTypes[kind]
	switch {
	case kind == "group":
		k.change("it is a group: its monitors have its name in the label group")
		k.settle(m.name)
		return
	case parts == nil:
		k.drop(m.name, "its type is %q, and this exporter probes over HTTP and by WebSocket", kind)
		return
	case !k.active(r), r.yes("forceInactive"): // its group is paused, which may not be in the list
		k.drop(m.name, "it is paused")
		return
	case r.yes("upsideDown"):
		k.drop(m.name, "upsideDown: no target here is up while its probes fail")
		return
	}
	every := cmp.Or(r.number("interval", 60), 1) //nolint:mnd // the default there, and what 0 is there
	m.interval = seconds(every)
	m.timeout = seconds(r.number("timeout", 0.8*every)) //nolint:mnd // what it was before 1.23
	k.tags(m, r)
	why := k.settings(m, r, parts)
	switch {
	case k.refused(m.name, r): // which may be the reason for why
	case why != "":
		k.drop(m.name, "%s", why)
	default:
		k.notes(m, r)
		k.take(m)
	}
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// active reports whether a monitor and all of its groups are.
func (k *kuma) active(r *record) bool {
	off := func(values map[string]any) bool {
		v, ok := values["active"]
		return ok && v != nil && !newRecord(values).yes("active")
	}
	r.skip("active")
	return !off(r.values) && !slices.ContainsFunc(k.groups(r), off)
}

// maxGroups is how deep groups may be in groups.
const maxGroups = 50

// groups are the groups of a monitor, the innermost first. Each is there once, whatever a file says.
func (k *kuma) groups(r *record) []map[string]any {
	var all []map[string]any
	seen := map[string]bool{}
	parent := r.text("parent")
	for len(all) < maxGroups && k.monitors[parent] != nil && !seen[parent] {
		seen[parent] = true
		group := k.monitors[parent]
		all = append(all, group)
		parent, _ = scalarText(group["parent"])
	}
	return all
}

// tags makes labels of tags and groups. Tags without a value are together in one label.
func (k *kuma) tags(m *monitor, r *record) {
	var flags, path []string
	for _, v := range r.list("tags") {
		values, ok := v.(map[string]any)
		if !ok {
			r.refuse("tags", "a list of objects")
			return
		}
		tag := newRecord(values)
		name, v := visible(tag.text("name")), tag.text("value")
		if strings.EqualFold(name, "environment") { // people write names of tags with a capital
			name = "environment"
		}
		switch {
		case v == "":
			flags = append(flags, name)
		case m.labels[name] != "":
			k.drop(m.name, "the tag %q: it has several, and a label has one value", name)
		default:
			m.labels[name] = v
		}
	}
	if len(flags) > 0 {
		slices.Sort(flags)
		k.label(m, "tags", strings.Join(flags, ","))
	}
	for _, group := range k.groups(r) {
		name, _ := scalarText(group["name"])
		path = append(path, visible(name))
	}
	if len(path) > 0 {
		slices.Reverse(path)
		k.label(m, "group", strings.Join(path, " / "))
	}
	m.environment = takeLabel(m.labels, "environment")
}

// label sets a label that is made of something else than a tag with a value.
func (k *kuma) label(m *monitor, name, v string) {
	if m.labels[name] != "" {
		k.drop(m.name, "the label %s: the tag of that name has it", name)
		return
	}
	m.labels[name] = v
}

// notes says what a monitor has besides how it is probed.
func (k *kuma) notes(m *monitor, r *record) {
	if r.number("maxretries", 0) > 0 {
		k.change("maxretries, retryInterval: a target is down at its first failed probe here, and the alerts decide how long to wait before people are told")
	}
	if r.yes("expiryNotification") {
		k.change("expiryNotification: %s", gatusElsewhere["[CERTIFICATE_EXPIRATION]"])
	}
	for _, key := range slices.Sorted(maps.Keys(kumaWithout)) {
		if !empty(r.get(key)) {
			k.drop(m.name, "%s: %s", key, kumaWithout[key])
		}
	}
	if !empty(r.get("notificationIDList")) || !empty(r.get("resendInterval")) {
		k.drop(m.name, "notificationIDList, resendInterval: %s", gatusSections["alerting"])
	}
	r.skip(kumaElsewhere...)
	k.leftKeys(m.name, r)
}
