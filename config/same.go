package config

import "reflect"

// Same reports whether two values of types of this package, such as those of two loads of a file, mean the same. Expressions
// are compared by their text. Functions are not compared: they are made from the fields beside them.
func Same(a, b any) bool { return same(reflect.ValueOf(a), reflect.ValueOf(b)) }

func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() || a.IsValid() && a.Type() != b.Type() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if text, ok := source(a); ok {
		other, _ := source(b)
		return text == other
	}
	switch a.Kind() { //nolint:exhaustive // all others have no parts
	case reflect.Pointer, reflect.Interface:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if !same(a.MapIndex(key), b.MapIndex(key)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Func:
		return true
	default:
		return a.Equal(b)
	}
}

// source returns the text that a value was compiled from.
func source(v reflect.Value) (text string, ok bool) {
	if !v.CanInterface() {
		return "", false
	}
	switch v := v.Interface().(type) {
	case CEL:
		return v.Expression, true
	case Expression:
		return v.Text, true
	case Regexp:
		if v.Regexp == nil {
			return "", true // no expression is empty
		}
		return v.String(), true
	default:
		return "", false
	}
}
