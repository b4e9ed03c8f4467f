package policy

import (
	"reflect"
	"testing"
	"time"
)

// volatile are the fields of a State that are not worth a write: they are seen again soon.
var volatile = map[string]bool{
	"Seen": true, "Successes": true, "Failures": true, "Calm": true, "HealthySince": true, "FailingSince": true, "LastProbe": true,
	"LastFailure": true, "Last": true, "DownSince": true, "OwnDemand": true, "Hold": true, "Preflight": true, "Network": true,
}

// A change of any other field is written.
func TestSameDurable(t *testing.T) {
	for f := range reflect.TypeFor[State]().Fields() {
		var a, b State
		v := reflect.ValueOf(&b).Elem().FieldByIndex(f.Index)
		switch p := v.Addr().Interface().(type) {
		case *time.Time:
			*p = start
		case *[]time.Time:
			*p = []time.Time{start}
		case *[]Demand:
			*p = []Demand{{Key: "x"}}
		case *bool:
			*p = true
		case *int:
			*p = 1
		case *string:
			*p = "x"
		case *Reprieve:
			*p = ReprieveChange
		case *Guard:
			*p = GuardMode
		case *Evidence:
			p.Healthy = true
		case *Preflight:
			p.Identity = "x"
		case *Network:
			p.Out = true
		case *Intent:
			p.ID = "x"
		case *Pause:
			p.Who = "x"
		default:
			t.Fatalf("%s has a type that this test does not know", f.Name)
		}
		if same := a.SameDurable(&b); same != volatile[f.Name] {
			t.Errorf("states that differ in %s are the same: %t, want %t", f.Name, same, volatile[f.Name])
		}
	}
}
