package managed

// ReadObject reads one JSON object that somebody has written: strictly, with numbers as they were written. A member that is null
// counts as absent unless nulls is true.
func ReadObject(text []byte, nulls bool) (map[string]any, []Problem) { return readObject(text, nulls) }

// Patched is the object of a definition changed by a merge patch (RFC 7396).
func Patched(definition []byte, patch map[string]any) map[string]any {
	// What is written there is not kept by others: it was decoded a moment ago.
	fields, _ := mergePatch(decode(definition), decode(encode(patch))).(map[string]any)
	dropNulls(fields)
	return fields
}

// Encode returns a value as definitions are kept: as JSON that is compact, with sorted keys.
func Encode(v any) []byte { return encode(v) }

// Invalid is an InvalidError of problems, as many as are told; nil if there are none.
func Invalid(what string, problems []Problem) error { return invalid(what, problems) }

// DifferenceOf is how two definitions of a name differ.
func DifferenceOf(name string, before, after []byte) Difference {
	return Difference{Name: name, Changes: changes(before, after)}
}

// Escape is a key as a part of a JSON pointer (RFC 6901 section 3).
func Escape(key string) string { return escape(key) }
