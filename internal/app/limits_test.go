package app

import (
	"reflect"
	"slices"
	"testing"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
	"github.com/healthcheck-exporter/healthcheck_exporter/internal/restart/policy"
)

// No limit of the configuration is forgotten: what is not a number of the policy is one of the service itself.
func TestEveryLimitIsCarried(t *testing.T) {
	ofService := []string{"CheckInterval", "CheckTimeout", "ExecTimeout"}
	all, limits := reflect.TypeFor[policy.Policy](), reflect.TypeFor[config.Limits]()
	for limit := range limits.Fields() {
		name := limit.Name
		if _, ok := all.FieldByName(name); ok == slices.Contains(ofService, name) {
			t.Errorf("%s: in the policy is %t, want the policy or the service, one of them", name, ok)
		}
	}
}

// Every number of the brake becomes that of the same name.
func TestBrakeOfLimits(t *testing.T) {
	var b config.Brake
	from := reflect.ValueOf(&b).Elem()
	for i := range from.NumField() {
		from.Field(i).SetInt(int64(1000 + i))
	}
	got := reflect.ValueOf(brake(b))
	if got.NumField() != from.NumField() {
		t.Errorf("the brake has %d numbers, want %d", got.NumField(), from.NumField())
	}
	for i := range got.NumField() {
		name := got.Type().Field(i).Name
		if want := from.FieldByName(name); !want.IsValid() || got.Field(i).Int() != want.Int() {
			t.Errorf("%s is %d, want that of the configuration", name, got.Field(i).Int())
		}
	}
}
