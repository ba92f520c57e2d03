package views

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
)

const (
	documentShown  = 128 << 10 // bytes of a document a page shows; the rest is in its download
	documentDepth  = 64        // nesting that is still laid out: each level indents every line below it
	documentColour = 32 << 10  // bytes up to which tokens are told apart
)

// Document is a stored text made ready to be read: JSON laid out, bytes as base64.
type Document struct {
	Type   string // as it was sent
	Size   int
	Text   string
	JSON   bool
	Base64 bool // Text is base64: the bytes are no text
	Cut    bool // Text is only the beginning
}

// NewDocument prepares stored bytes for a page.
func NewDocument(contentType string, stored []byte) Document {
	d := Document{Type: contentType, Size: len(stored)}
	part := stored
	if len(part) > documentShown {
		part, d.Cut = part[:documentShown], true
	}
	switch {
	case !d.Cut && json.Valid(part):
		d.JSON, d.Text = true, layOut(part)
	case utf8.Valid(trimPartialRune(part, d.Cut)) && !bytes.ContainsRune(part, 0):
		d.Text = string(trimPartialRune(part, d.Cut))
	default:
		d.Base64 = true
		d.Text = wrap(base64.StdEncoding.EncodeToString(part), 76)
	}
	return d
}

// layOut indents JSON, unless it is nested so deeply that this would blow it up.
func layOut(text []byte) string {
	if depthOf(text) > documentDepth {
		return string(text)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(text), "", "  "); err != nil {
		return string(text)
	}
	return b.String()
}

func depthOf(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// trimPartialRune takes off the bytes of a character that was cut in two.
func trimPartialRune(b []byte, cut bool) []byte {
	for n := 0; cut && n < utf8.UTFMax && len(b) > 0; n++ {
		if r, size := utf8.DecodeLastRune(b); r != utf8.RuneError || size > 1 {
			break
		}
		b = b[:len(b)-1]
	}
	return b
}

func wrap(text string, width int) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width])
		b.WriteByte('\n')
		text = text[width:]
	}
	b.WriteString(text)
	return b.String()
}

func (d Document) sub() string {
	kind := d.Type
	if kind == "" {
		kind = "no content type"
	}
	return kind + ", " + Bytes(int64(d.Size))
}

// code writes text with the tokens of JSON told apart. It is no template because
// in a pre every blank counts.
func (d Document) code(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if !d.JSON || len(text) > documentColour {
			_, err := io.WriteString(w, templ.EscapeString(text))
			return err
		}
		var b strings.Builder
		for rest := text; rest != ""; {
			class, n := jsonToken(rest)
			if class == "" {
				b.WriteString(templ.EscapeString(rest[:n]))
			} else {
				b.WriteString(`<span class="` + class + `">` + templ.EscapeString(rest[:n]) + `</span>`)
			}
			rest = rest[n:]
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// jsonToken is the class and length of the token at the start of JSON text:
// k a key, s a string, num a number or word, p punctuation, none for blanks.
func jsonToken(text string) (class string, n int) {
	switch c := text[0]; {
	case c == '"':
		n = stringEnd(text)
		if strings.HasPrefix(strings.TrimLeft(text[n:], " \t\r\n"), ":") {
			return "k", n
		}
		return "s", n
	case strings.IndexByte("{}[],:", c) >= 0:
		return "p", 1
	case strings.IndexByte(" \t\r\n", c) >= 0:
		return "", len(text) - len(strings.TrimLeft(text, " \t\r\n"))
	default:
		if n = strings.IndexAny(text, "{}[],:\" \t\r\n"); n < 0 {
			n = len(text)
		}
		return "num", n
	}
}

func stringEnd(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
