package config_test

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

// A limit without a default would be a guard that is off. What is optional here gives more rights, or takes some away.
func TestDefaultLimits(t *testing.T) {
	optional := []string{"RestartOn", "NeverRestartOn", "WithoutAlertAfter"}
	v := reflect.ValueOf(config.DefaultLimits)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && !slices.Contains(optional, name) {
			t.Errorf("%s has no default", name)
		}
	}
}

// filled returns limits whose numbers all differ, from each other and from those of other limits.
func filled(t *testing.T, from int) config.Limits {
	t.Helper()
	var l config.Limits
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() { //nolint:exhaustive // a limit is one of these
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(from + i))
		case reflect.Pointer:
			f.Set(reflect.ValueOf(new(config.Duration(from + i))))
		case reflect.Slice:
			f.Set(reflect.ValueOf(config.Failures{config.Failure(strconv.Itoa(from + i))}))
		default:
			t.Fatalf("%s is a %s, want a number", v.Type().Field(i).Name, f.Kind())
		}
	}
	return l
}

// Every limit can be set by the service and by the section, and setting one does not change another.
func TestLimitsOf(t *testing.T) {
	service, section := filled(t, 1000), filled(t, 2000)
	if got := (&config.Restart{Defaults: section}).LimitsOf(&config.Service{Limits: service}); !reflect.DeepEqual(got, service) {
		t.Errorf("limits are %+v, want those of the service, %+v", got, service)
	}
	for i := range reflect.TypeFor[config.Limits]().NumField() {
		name := reflect.TypeFor[config.Limits]().Field(i).Name
		one := func(l config.Limits) (only config.Limits) {
			reflect.ValueOf(&only).Elem().Field(i).Set(reflect.ValueOf(l).Field(i))
			return only
		}
		with := func(l config.Limits) config.Limits {
			all := config.DefaultLimits
			reflect.ValueOf(&all).Elem().Field(i).Set(reflect.ValueOf(l).Field(i))
			return all
		}
		for _, tt := range []struct {
			who               string
			service, defaults config.Limits
			want              config.Limits
		}{
			{"the service", one(service), config.Limits{}, with(service)},
			{"the section", config.Limits{}, one(section), with(section)},
			{"both", one(service), one(section), with(service)},
		} {
			got := (&config.Restart{Defaults: tt.defaults}).LimitsOf(&config.Service{Limits: tt.service})
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("with %s of %s the limits are %+v, want %+v", name, tt.who, got, tt.want)
			}
		}
	}
}

// A service can be excepted from restarts without an alert.
func TestExceptedFromRestartsWithoutAlert(t *testing.T) {
	c, err := config.Parse("test.yml", []byte(`
restart:
  mode: enforce
  receiver: {insecure: true}
  defaults: {without_alert_after: 2m}
  services:
    - {name: web, checks: [{url: 'http://127.0.0.1:1/'}], systemd: {unit: web.service}}
    - {name: db, checks: [{url: 'http://127.0.0.1:2/'}], systemd: {unit: db.service}, without_alert_after: 0s}
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2m", "0s"} {
		limits := c.Restart.LimitsOf(&c.Restart.Services[i])
		if got := limits.AsksWithoutAlert().String(); got != want {
			t.Errorf("%s asks after %s, want %s", c.Restart.Services[i].Name, got, want)
		}
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.Parse("test.yml", text); err != nil || strings.Count(string(text), "without_alert_after: 0s") != 1 {
		t.Errorf("the exception is not kept (%v):\n%s", err, text)
	}
}
