package handlers

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentence makes the text of an error one that can stand alone on a page.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.ContainsAny(text[len(text)-1:], ".!?”") {
		text += "."
	}
	return text
}
