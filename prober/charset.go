package prober

import (
	"strings"
)

// charsets are the character sets other than UTF-8 that pages use.
var charsets = []string{
	"utf-16", "utf-16le", "utf-16be", "utf-32", "gbk", "gb2312", "gb18030", "big5", "euc-kr", "euc-jp", "shift_jis", "iso-2022-jp",
	"iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "koi8-r", "koi8-u", "tis-620",
}

// charset is the character set that a Content-Type names, if it is one of charsets. Otherwise it is empty.
func charset(contentType string) string {
	_, after, ok := strings.Cut(strings.ToLower(contentType), "charset=")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimLeft(after, ` "'`), ";")
	name = strings.TrimRight(strings.TrimSpace(name), `"'`)
	for _, known := range charsets {
		if name == known {
			return known
		}
	}
	return ""
}
