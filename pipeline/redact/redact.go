package redact

import (
	"bytes"
	"encoding/json"
	"mime"
	"strings"
	"unicode"
)

// Mask stands in the place of every secret.
const Mask = "••••••"

// nestedMost is how many times text may be JSON in a string of JSON; what lies
// deeper is looked at as plain text.
const nestedMost = 3

// masker says how much further it may look into a value.
type masker struct {
	nested int  // levels of JSON in a string
	base64 bool // whether base64 is decoded: once
}

func fresh() masker { return masker{nested: nestedMost, base64: true} }

// Text masks secrets in a text: a sentence, a label, a line of a log.
func Text(s string) string { return fresh().text(s) }

// Document masks secrets in a stored document and tells whether there were any.
// JSON keeps its shape, order and layout; documents of other types are masked as
// forms or as text. The document itself is not changed.
func Document(contentType string, doc []byte) (masked []byte, hit bool) {
	m := fresh()
	switch {
	case isForm(contentType):
		masked = []byte(m.form(string(doc)))
	case likeJSON(doc), json.Valid(doc):
		masked = m.json(doc)
		if !json.Valid(doc) { // a log line in brackets, JSON that was cut
			masked = []byte(m.text(string(masked)))
		}
	default:
		masked = []byte(m.value(string(doc)))
	}
	return masked, !bytes.Equal(masked, doc)
}

// Beginning is Document for the first bytes of a longer document: its last word
// is left out, because it may be the beginning of a secret.
func Beginning(contentType string, doc []byte) (masked []byte, hit bool) {
	masked, hit = Document(contentType, doc)
	if json.Valid(doc) {
		return masked, hit // not cut at all
	}
	if bytes.HasSuffix(masked, []byte(Mask)) {
		return masked, hit
	}
	whole := bytes.TrimRightFunc(masked, inWord)
	if bytes.Trim(masked[len(whole):], "0123456789-") == nil { // a card has blanks in it
		whole = bytes.TrimRight(whole, "0123456789- ")
	}
	if len(whole) == len(masked) {
		return masked, hit
	}
	return append(whole[:len(whole):len(whole)], Mask...), true
}

func inWord(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune(`"'<>`, r) }

func isForm(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// likeJSON tells whether a document begins as JSON does.
func likeJSON[T string | []byte](doc T) bool {
	for i := range len(doc) {
		switch doc[i] {
		case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf: // blanks and a byte order mark
		case '{', '[', '"':
			return true
		default:
			return false
		}
	}
	return false
}

// value masks a text that stands for itself: JSON, base64, or a plain text.
func (m masker) value(s string) string {
	if m.nested > 0 && likeJSON(s) && json.Valid([]byte(s)) {
		inner := m
		inner.nested--
		return string(inner.json([]byte(s)))
	}
	return m.text(s)
}
