package printable

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "status 503, want 2xx", "status 503, want 2xx"},
		{"Korean", "서버 1 ✖", "서버 1 ✖"},
		{"terminal", "\x1b]0;owned\a\x1b[2J", "\ufffd]0;owned\ufffd\ufffd[2J"},
		{"C1 control", "a\u009b31mb", "a\ufffd31mb"},
		{"lines", "a\r\nb\tc\u2028d\u2029e\x85f", "a\ufffd\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"},
		{"order of the text", "a\u202eb\u2066c\u200fd", "a\ufffdb\ufffdc\ufffdd"},
		{"not seen", "a\u200bb\ufeffc\u00add", "a\ufffdb\ufffdc\ufffdd"},
		{"tags", "a\U000e0041b", "a\ufffdb"},
		{"not UTF-8", "a\xffb\xc3", "a\ufffdb\ufffd"},
		{"empty", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Clean(tc.in); got != tc.want {
				t.Errorf("Clean(%q) = %q, want %q", tc.in, got, tc.want)
			}
			if got, want := Is(tc.in), tc.in == tc.want; got != want {
				t.Errorf("Is(%q) = %t, want %t", tc.in, got, want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"short", "abc", 3, "abc"},
		{"long", "abcdefgh", 4, "ab[…4 bytes…]gh"},
		{"odd", "abcdefgh", 5, "abc[…3 bytes…]gh"},
		{"nothing", "abc", 0, "[…3 bytes…]"},
		{"whole characters", "서버서버", 8, "서[…6 bytes…]버"},
		{"not UTF-8", strings.Repeat("\x80", 20), 4, "\x80\x80[…16 bytes…]\x80\x80"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Cut(tc.in, tc.limit); got != tc.want {
				t.Errorf("Cut(%q, %d) = %q, want %q", tc.in, tc.limit, got, tc.want)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\x1b[31m\u202e서버\xff", 7)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(limit, 0) % 1000
		got := Text(s, limit)
		const mark = len("[…9223372036854775807 bytes…]")
		if most := 3*limit + mark; len(got) > most { // a byte that is not UTF-8 becomes three
			t.Errorf("Text(%q, %d) has %d bytes, want at most %d", s, limit, len(got), most)
		}
		if !Is(got) || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("Text(%q, %d) = %q, which does not print", s, limit, got)
		}
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, want the same", got, again)
		}
		if Is(s) && len(s) <= limit && got != s {
			t.Errorf("Text(%q, %d) = %q, want the same", s, limit, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{"plain": "GET https://shop.example.com/health: status 503, want 2xx", "long": strings.Repeat("x\x1b서", 1<<16)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Text(s, MaxURL)
			}
		})
	}
}

func TestLine(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"lines", " a\r\n\tb\u0085 c\u2028d ", "a b c d"},
		{"nothing", "\n\t", ""},
		{"terminal", "\x1b[2J\nx", "\ufffd[2J x"},
		{"long", strings.Repeat("x\n", 100), "x x x[…189 bytes…]x x x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Line(tc.in, 10); got != tc.want {
				t.Errorf("Line(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}
