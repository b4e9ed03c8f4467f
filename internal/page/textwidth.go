package page

import (
	"unicode"

	"golang.org/x/text/width"
)

// The widths of characters of Verdana at 11 pixels, in tenths of a pixel.
const (
	narrowChar = 42
	commonChar = 70
	broadChar  = 96
	wideChar   = 110 // of a square, as those of Korean, Chinese and Japanese are
)

// textWidth is about how wide a text is, in pixels. A badge says it to the browser, which fits the text to it.
func textWidth(s string) int {
	tenths := 0
	for _, r := range s {
		tenths += charWidth(r)
	}
	return (tenths + 9) / 10
}

func charWidth(r rune) int {
	switch {
	case r < 0x300:
		return latinWidth(r)
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0 // it is drawn over the one before
	case r > 0xffff:
		return wideChar
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return wideChar
	}
	return commonChar
}

func latinWidth(r rune) int {
	switch r {
	case 'i', 'j', 'l', 'I', '.', ',', ':', ';', '\'', '|', '!', ' ', 'f', 't', 'r', '(', ')', '/', '-', '·':
		return narrowChar
	case 'm', 'w', 'M', 'W', '%', '@', '&', '+', '=', '<', '>', '~', '#', 'O', 'Q', 'G', 'D', 'H', 'N', 'U':
		return broadChar
	default:
		return commonChar
	}
}
