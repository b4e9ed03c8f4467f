package managed

import (
	"bytes"
	"maps"
)

// mergePatch changes a value by a merge patch (RFC 7396 section 2). It may change target, and keeps parts of patch.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for key, value := range changes {
		if value == nil {
			delete(object, key)
		} else {
			object[key] = mergePatch(object[key], value)
		}
	}
	return object
}

// Patched is the object of a definition changed by a merge patch (RFC 7396).
func Patched(definition []byte, patch map[string]any) map[string]any {
	// What is written there is not kept by others: it was decoded a moment ago.
	fields, _ := mergePatch(decode(definition), decode(Encode(patch))).(map[string]any)
	dropNulls(fields)
	return fields
}

// difference is the merge patch that makes b of a. Neither has a member that is null.
func difference(a, b map[string]any) map[string]any {
	patch := map[string]any{}
	for key := range a {
		if _, ok := b[key]; !ok {
			patch[key] = nil
		}
	}
	for key, now := range b {
		before, ok := a[key]
		if ok && bytes.Equal(Encode(before), Encode(now)) {
			continue
		}
		old, ok1 := before.(map[string]any)
		object, ok2 := now.(map[string]any)
		if ok1 && ok2 {
			now = difference(old, object)
		}
		patch[key] = now
	}
	return patch
}

// without returns an object without a key.
func without(object map[string]any, key string) map[string]any {
	object = maps.Clone(object)
	delete(object, key)
	return object
}
