package redact

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// frame is an object or list that is open.
type frame struct {
	object bool
	secret bool // all of it is
	named  bool // its member "name" names a secret, which its "value" is then
}

// jsonScan goes through JSON from token to token and copies what it does not
// mask. It needs no valid JSON: what is cut off or broken is masked as far as it
// goes.
type jsonScan struct {
	masker
	in     []byte
	at     int
	out    []byte
	copied int // up to here in is in out
	frames []frame
	name   string // plain name of the member whose value comes next
	secret bool   // and whether that is secret
	names  map[string]knownName
}

// knownName is a name that was looked at before: most come again and again.
type knownName struct {
	plain  string
	secret bool
}

func (m masker) json(doc []byte) []byte {
	s := jsonScan{masker: m, in: doc, names: map[string]knownName{}}
	for s.at < len(doc) {
		s.token()
	}
	if s.copied == 0 {
		return doc
	}
	return append(s.out, doc[s.copied:]...)
}

func (s *jsonScan) token() {
	switch c := s.in[s.at]; c {
	case '"':
		s.text()
	case '{', '[':
		s.frames = append(s.frames, frame{object: c == '{', secret: s.hidden()})
		s.name, s.secret = "", false
		s.at++
	case '}', ']':
		s.frames = s.frames[:max(0, len(s.frames)-1)]
		s.name, s.secret = "", false
		s.at++
	case ',':
		s.name, s.secret = "", false
		s.at++
	case ' ', '\t', '\r', '\n', ':':
		s.at++
	default:
		s.word()
	}
}

func (s *jsonScan) top() frame {
	if len(s.frames) == 0 {
		return frame{}
	}
	return s.frames[len(s.frames)-1]
}

// hidden tells whether the value that stands here is secret.
func (s *jsonScan) hidden() bool { return s.secret || s.top().secret }

// text is a string: the name of a member, or a value.
func (s *jsonScan) text() {
	end := quotedEnd(s.in, s.at)
	raw := s.in[s.at:end]
	after := bytes.TrimLeft(s.in[end:], " \t\r\n")
	content := unquoted(raw)
	if len(after) > 0 && after[0] == ':' {
		s.replace(end, content, s.masker.text(content))
		known, ok := s.names[content]
		if !ok {
			known.plain = plainName(content)
			known.secret = nameOf(known.plain) != noSecret
			s.names[content] = known
		}
		s.name = known.plain
		s.secret = known.secret || s.top().named && slices.Contains([]string{"value", "val", "values"}, s.name)
		return
	}
	if s.hidden() {
		if content != "" {
			s.replace(end, content, Mask)
		}
	} else {
		s.replace(end, content, s.value(content))
	}
	if top := len(s.frames) - 1; top >= 0 && s.frames[top].object && slices.Contains([]string{"name", "key", "header", "field"}, s.name) && Name(content) {
		s.frames[top].named = true
	}
	s.at = end
}

// replace writes masked for the string that ends at end, if it is another.
func (s *jsonScan) replace(end int, content, masked string) {
	if masked != content {
		s.put(quote(masked), end)
	}
	s.at = end
}

// word is a number, true, false, null, or something that is no JSON.
func (s *jsonScan) word() {
	end := s.at + 1
	for end < len(s.in) && strings.IndexByte("{}[],:\" \t\r\n", s.in[end]) < 0 {
		end++
	}
	switch word := string(s.in[s.at:end]); {
	case word == "null" || word == "true" || word == "false":
	case s.hidden() || len(word) >= cardLeast && cards(word) == Mask:
		s.put(quote(Mask), end)
	}
	s.at = end
}

func (s *jsonScan) put(text []byte, end int) {
	if s.out == nil {
		s.out = make([]byte, 0, len(s.in)+64)
	}
	s.out = append(append(s.out, s.in[s.copied:s.at]...), text...)
	s.copied = end
}

// quotedEnd is the index after the string that begins at i.
func quotedEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// unquoted is what a string says; of one that is cut off, as far as it goes.
func unquoted(raw []byte) string {
	inner := raw[1:]
	if n := len(inner) - 1; n >= 0 && inner[n] == '"' {
		inner = inner[:n]
	}
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	for cut := 0; cut < 12 && cut <= len(inner); cut++ { // an escape that is cut off, a pair of them at most
		whole := append(append([]byte{'"'}, inner[:len(inner)-cut]...), '"')
		if json.Unmarshal(whole, &text) == nil {
			return text
		}
	}
	return string(inner)
}

func quote(text string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always can be
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}
