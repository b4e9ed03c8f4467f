package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

var urlType = reflect.TypeFor[commonconfig.URL]()

// rewrite copies v and replaces every text in it, at any depth, by what f makes of it. The original does not change; the copy
// shares with it only what never changes, such as compiled expressions. It goes by type and not by name, so that no new field
// can be forgotten.
func rewrite(v reflect.Value, p place, f func(p place, s string) string) reflect.Value {
	switch kind := v.Kind(); {
	case v.Type() == urlType:
		return rewriteURL(v, p, f)
	case mapped(v.Type()):
		return rewriteStruct(v, p, f)
	case kind == reflect.String:
		out := reflect.New(v.Type()).Elem()
		out.SetString(f(p, v.String()))
		return out
	case kind == reflect.Pointer:
		if v.IsNil() || !mapped(v.Type().Elem()) {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(rewrite(v.Elem(), p, f))
		return out
	case kind == reflect.Map:
		return rewriteMap(v, p, f)
	case kind == reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(rewrite(v.Index(i), p.item(i), f))
		}
		return out
	case kind == reflect.Interface: // of unknown depth: one text, or left as it is
		if s := fmt.Sprint(v.Interface()); f(p, s) != s {
			return reflect.ValueOf(f(p, s))
		}
	}
	return v
}

func rewriteStruct(v reflect.Value, p place, f func(place, string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	keys := keysOf(v.Type())
	for _, key := range keys.names() {
		index := keys.fields[key]
		out.FieldByIndex(index).Set(rewrite(v.FieldByIndex(index), p.field(key), f))
	}
	if keys.rest != nil {
		out.FieldByIndex(keys.rest).Set(rewrite(v.FieldByIndex(keys.rest), p, f))
	}
	return out
}

func rewriteMap(v reflect.Value, p place, f func(place, string) string) reflect.Value {
	if v.IsNil() {
		return v
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	out := reflect.MakeMapWithSize(v.Type(), len(keys))
	for _, key := range keys {
		out.SetMapIndex(key, rewrite(v.MapIndex(key), p.entry(key.String()), f))
	}
	return out
}

// rewriteURL puts a changed text into a URL without parsing it: a parsed URL could not hold a mask instead of a password.
func rewriteURL(v reflect.Value, p place, f func(place, string) string) reflect.Value {
	u, _ := reflect.TypeAssert[commonconfig.URL](v)
	if u.URL == nil {
		return v
	}
	s := u.String()
	changed := f(p, s)
	if changed == s {
		return v
	}
	return reflect.ValueOf(commonconfig.URL{URL: &url.URL{Opaque: changed}})
}
