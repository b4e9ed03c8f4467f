package config

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/google/cel-go/common/types"
	"github.com/google/go-cmp/cmp"
)

// documents are texts in which a JSON reader of our own could get lost.
var documents = []string{
	`null`, ` true `, `-1.5e3`, `""`, `"a\"\\\u00e9\ud83d\ude00\ud800"`, "\"\xff\"", `[]`, `{}`, "[ ]", "{\n}", `[1,[2,[3,{"a":[]}]],{}]`,
	`{"a":1,"b":{"a":[{"c":"}]\"{["}]},"":null}`, `{"a":1,"\u0061":2,"a":3}`, " [ 1 , \"x\" , { \"k\" : true } ] ",
	`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"a":11,"\u0062":12}`, `[0,-0,1e5,0.1]`, `{"한":"글"}`,
}

// A Document has the values that package json decodes.
func TestDocument(t *testing.T) {
	for _, text := range documents {
		t.Run(text, func(t *testing.T) { compareDocument(t, []byte(text)) })
	}
}

func FuzzDocument(f *testing.F) {
	for _, text := range documents {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 1<<14 {
			compareDocument(t, text)
		}
	})
}

func compareDocument(t *testing.T, text []byte) {
	t.Helper()
	var want any
	wantErr := json.Unmarshal(text, &want)
	d, err := ParseDocument(text)
	if err != nil {
		if wantErr == nil || err.Error() != wantErr.Error() {
			t.Errorf("got error %v, want %v", err, wantErr)
		}
		return
	}
	if wantErr != nil {
		return // a number that is too large, which is found when it is looked at
	}
	got, err := native(d.root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(noNil(want), noNil(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if equal := types.DefaultTypeAdapter.NativeToValue(want).Equal(d.root); equal != types.True && !strings.Contains(string(text), "null") {
		t.Errorf("it is not equal to what package json has decoded: %v", equal)
	}
	values, depth := count(want)
	if gotValues, gotDepth := d.Size(); !strings.ContainsAny(string(text), `{:`) && (gotValues != values || gotDepth != depth) {
		t.Errorf("got %d values and a depth of %d, want %d and %d", gotValues, gotDepth, values, depth)
	}
}

// noNil returns v with every nil list replaced by an empty one.
func noNil(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, noNil(item))
		}
		return out
	case map[string]any:
		for key := range v {
			v[key] = noNil(v[key])
		}
	}
	return v
}

func count(v any) (values, depth int) {
	list, ok := v.([]any)
	if !ok {
		return 1, 0
	}
	values = 1
	for _, item := range list {
		n, d := count(item)
		values, depth = values+n, max(depth, d)
	}
	return values, depth + 1
}

func TestDocumentSize(t *testing.T) {
	d, err := ParseDocument([]byte(`{"a": [1, "x:y,{", {"b": null}], "c": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	if values, depth := d.Size(); values != 7 || depth != 3 {
		t.Errorf("got %d values and a depth of %d, want 7 and 3", values, depth)
	}
}

// To CEL, an object is the same as a decoded one, whether it has few members or many.
func TestObject(t *testing.T) {
	for _, n := range []int{0, 3, 200} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"k%d":%d`, i, i))
		}
		d, err := ParseDocument([]byte("{" + strings.Join(members, ",") + "}"))
		if err != nil {
			t.Fatal(err)
		}
		for expression, want := range map[string]bool{
			fmt.Sprintf("size(body) == %d", n):                              true,
			"body.all(k, body[k] >= 0.0)":                                   true,
			"'k1' in body":                                                  n > 1,
			"has(body.k2) && body.k2 == 2.0 && !(7 in body)":                n > 2,
			"body == {} || body != {'k0': 0.0} && type(body) == map":        true,
			"body.exists_one(k, k == 'k1') || size(body.map(k, k)) == 0":    true,
			"[body] == [body] && body in [body] && dyn(body) != dyn([1])":   true,
			"body.filter(k, body[k] == 1.0) == ['k1'] || size(body) == 0":   true,
			"type([body][0]) == map && [body, body][1] == body && !(!true)": true,
		} {
			c, err := NewCEL(expression)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.Eval(t.Context(), d); err != nil || got != want {
				t.Errorf("%s of %d members is %t (%v), want %t", expression, n, got, err, want)
			}
		}
	}
}

// worstJSON returns the texts of n bytes that take the most memory when they are decoded.
func worstJSON(n int) map[string][]byte {
	fill := func(begin string, item func(i int) string, end string) []byte {
		b := []byte(begin)
		for i := 0; len(b) < n-32; i++ {
			b = append(b, item(i)...)
		}
		return append(b, end...)
	}
	r := rand.New(rand.NewPCG(1, 2))
	return map[string][]byte{
		"numbers":       fill("[1", func(int) string { return ",1" }, "]"),
		"empty lists":   fill("[[]", func(int) string { return ",[]" }, "]"),
		"empty objects": fill("[{}", func(int) string { return ",{}" }, "]"),
		"small objects": fill(`[{"":0}`, func(int) string { return `,{"":0}` }, "]"),
		"members":       fill(`{"":0`, func(i int) string { return fmt.Sprintf(`,"%x":0`, i) }, "}"),
		"one key":       fill(`{"":0`, func(int) string { return `,"":0` }, "}"),
		"one text":      fill(`["`, func(int) string { return "é" }, `"]`),
		"escapes":       fill(`["`, func(int) string { return `\n` }, `"]`),
		"random":        fill(`[1`, func(int) string { return fmt.Sprint(",", r.Uint64()) }, "]"),
	}
}

// An expression takes at most as much memory as Cost says, even for the texts that are worst to decode.
func TestEvalCost(t *testing.T) {
	const n = 1 << 20
	for _, expression := range []string{"size(body) > 3", "body[0] == 3.0", "body.k == 3.0", "size(body.map(x, 1)) > 3", "size(body.filter(x, true)) > 0"} {
		c, err := NewCEL(expression)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range worstJSON(n) {
			t.Run(expression+" of "+name, func(t *testing.T) {
				got, most := allocated(func() {
					d, err := ParseDocument(text)
					if err != nil {
						t.Fatal(err)
					}
					_, _ = c.Eval(t.Context(), d)
				}), c.Cost(text)
				if c.builds {
					most *= 6 // lists grow, and their old items are soon free again
				}
				if most += 64 << 10; got > most {
					t.Errorf("%d bytes were allocated, want at most %d", got, most)
				}
			})
		}
	}
}

// An expression that makes lists of lists ends when it takes too much, however much time there is.
func TestEvalOfLists(t *testing.T) {
	c, err := NewCEL("size(body.map(x, body.map(y, y))) > 3")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDocument([]byte("[" + strings.Repeat("1,", 100_000) + "1]"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Eval(t.Context(), d); err == nil || !strings.Contains(err.Error(), "makes lists of too many values") {
		t.Errorf("got %v, want an error of the limit", err)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
