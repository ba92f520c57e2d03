package redact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text masks a plain text. Each kind of secret is looked for only where the
// text has what it takes: most labels, names and sentences have nothing.
func (m masker) text(s string) string {
	look := lookAt(s)
	if look.needs&^spaces == 0 && len(s) < bareLeast {
		return s
	}
	s = look.values(s)
	if look.has(separators) {
		s = pairs(s)
	}
	if look.has(digits) && len(s) >= cardLeast {
		s = cards(s)
	}
	if m.base64 && look.has(capitals) && look.run >= encodedLeast {
		s = m.encoded(s)
	}
	return s
}

// What a text has, by the characters in it.
const (
	separators = 1 << iota // between a name and a value
	digits
	capitals
	dashes // or underscores
	spaces
	ats
)

// bareLeast is how long a secret of small letters alone is, at least.
const bareLeast = 16

// needs says of each character what it adds to a text.
var needs = func() (table [256]uint8) {
	for c, has := range map[string]uint8{":=>%": separators, "0123456789": digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZ": capitals, "-_": dashes, " \t": spaces, "@": ats} {
		for i := range len(c) {
			table[c[i]] = has
		}
	}
	table[0xef] = separators // full-width ones begin so
	return table
}()

// look is what a text has, and its longest run of what base64 is made of.
type look struct {
	needs uint8
	run   int
}

func lookAt(s string) look {
	var l look
	run := 0
	for i := range len(s) {
		c := s[i]
		l.needs |= needs[c]
		if inBase64(c) {
			run++
			continue
		}
		l.run, run = max(l.run, run), 0
	}
	l.run = max(l.run, run)
	return l
}

func (l look) has(all uint8) bool { return l.needs&all == all }

// editor copies a text but for the parts that are masked.
type editor struct {
	in     string
	out    strings.Builder
	copied int
}

func (e *editor) mask(from, to int) {
	e.out.WriteString(e.in[e.copied:from])
	e.out.WriteString(Mask)
	e.copied = to
}

func (e *editor) String() string {
	if e.copied == 0 {
		return e.in
	}
	e.out.WriteString(e.in[e.copied:])
	return e.out.String()
}

// pairs masks what a text gives a secret name: "password=x", "Cookie: x",
// "<pin>x</pin>".
func pairs(s string) string {
	e := editor{in: s}
	for i := 0; i < len(s); {
		width := separator(s, i)
		if width == 0 {
			i++
			continue
		}
		from, to := 0, 0
		if s[i] == '>' {
			from, to = element(s, i)
		} else {
			from, to = assigned(s, i, width)
		}
		if from < to {
			e.mask(from, to)
			i = to
			continue
		}
		i += width
	}
	return e.String()
}

// separator is the width of what separates a name from a value at i, 0 if
// nothing does.
func separator(s string, i int) int {
	switch s[i] {
	case ':':
		if strings.HasPrefix(s[i:], "://") {
			return 0 // the beginning of a URL
		}
		return 1
	case '=', '>':
		return 1
	case 0xef: // full-width
		if strings.HasPrefix(s[i:], "：") || strings.HasPrefix(s[i:], "＝") {
			return len("：")
		}
	case '%':
		if strings.HasPrefix(s[i:], "%3D") || strings.HasPrefix(s[i:], "%3d") || strings.HasPrefix(s[i:], "%3A") || strings.HasPrefix(s[i:], "%3a") {
			return len("%3D")
		}
	}
	return 0
}

// assigned is the value after the separator at i, if the name before it is that
// of a secret.
func assigned(s string, i, width int) (from, to int) {
	name := nameBefore(s[:i])
	sure := nameOf(name)
	if sure == noSecret {
		return 0, 0
	}
	start := i + width
	for start < len(s) && strings.IndexByte(" \t:=>", s[start]) >= 0 { // "=>" and ":=" too
		start++
	}
	from, to = span(s, start, s[i] == ':' || s[i] == 0xef, slices.Contains(headerNames, name))
	switch word := s[from:to]; {
	case word == "null" || word == "nil" || word == "true" || word == "false" || word == "none" || word == Mask:
		return 0, 0
	case sure == weakName && strings.HasPrefix(s[i:], ": ") && len(word) < 12 && onlyLetters(word):
		return 0, 0 // "token: expired"
	}
	return from, to
}

// span is where a value that begins at start ends.
func span(s string, start int, colon, header bool) (from, to int) {
	from = start
	for from < len(s) && s[from] == '\\' {
		from++
	}
	if from == len(s) {
		return from, from
	}
	switch c := s[from]; c {
	case '"', '\'', '`':
		return from + 1, closing(s, from+1, c, from > start)
	case '[', '{', '(':
		end := strings.IndexByte(s[from:], closer(c))
		if end < 0 {
			return from + 1, len(s)
		}
		return from + 1, from + end
	}
	from = start
	if header && colon {
		return from, from + lineEnd(s[from:])
	}
	to = from + valueEnd(s[from:], colon)
	if scheme := strings.ToLower(s[from:to]); to < len(s) && s[to] == ' ' && slices.Contains([]string{"bearer", "basic", "token", "digest"}, scheme) {
		to += 1 + valueEnd(s[to+1:], colon)
	}
	return from, from + len(strings.TrimRight(s[from:to], ",.)]}:\\"))
}

func closer(opener byte) byte {
	return map[byte]byte{'[': ']', '{': '}', '(': ')'}[opener]
}

// closing is the index of the quote that ends a value, with the backslashes
// before it if the value was opened with some; the end of a text that was cut.
func closing(s string, from int, quote byte, escaped bool) int {
	for i := from; i < len(s); i++ {
		switch {
		case s[i] == '\\' && !escaped:
			i++
		case s[i] == quote:
			for escaped && i > from && s[i-1] == '\\' {
				i--
			}
			return i
		}
	}
	return len(s)
}

func lineEnd(s string) int {
	if n := strings.IndexAny(s, "\r\n"); n >= 0 {
		return n
	}
	return len(s)
}

// valueEnd is where a value without quotes ends. After an equals sign it may
// stand in a query or a connection string.
func valueEnd(s string, colon bool) int {
	for i, r := range s {
		switch {
		case unicode.IsSpace(r), r == '"', r == '\'', r == '<', r == '>', r == '`':
			return i
		case !colon && (r == '&' || r == ';'):
			return i
		case r == ',' && (i+1 == len(s) || s[i+1] == ' '):
			return i
		}
	}
	return len(s)
}

// element is the text of an XML element whose tag ends at i, if its name is that
// of a secret.
func element(s string, i int) (from, to int) {
	back := s[max(0, i-nameMost):i]
	open := strings.LastIndexByte(back, '<')
	if open < 0 {
		return 0, 0
	}
	name, _, _ := strings.Cut(back[open+1:], " ")
	name = name[strings.LastIndexByte(name, ':')+1:]
	if strings.HasPrefix(name, "/") || strings.HasSuffix(back, "/") || !Name(name) {
		return 0, 0
	}
	from = i + 1
	if to = strings.IndexByte(s[from:], '<'); to < 0 {
		to = len(s) - from
	}
	if strings.TrimSpace(s[from:from+to]) == "" {
		return 0, 0
	}
	return from, from + to
}

// nameBefore is the plain name that a text ends with; two words make one where
// that is how a secret is called: "api key".
func nameBefore(s string) string {
	s = strings.TrimRight(s[max(0, len(s)-2*nameMost):], " \t\"'`\\]")
	last := lastWord(s)
	name := plainName(decoded(last))
	if nameOf(name) != noSecret {
		return name
	}
	rest := strings.TrimRight(s[:len(s)-len(last)], " ")
	if both := plainName(lastWord(rest)) + name; slices.Contains(strongParts, both) {
		return both
	}
	return name
}

func lastWord(s string) string {
	i := len(s)
	for i > 0 && len(s)-i < nameMost {
		r, size := rune(s[i-1]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeLastRuneInString(s[:i])
		}
		if !inName(r) {
			break
		}
		i -= size
	}
	return s[i:]
}

func inName(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.IndexByte("_-.$%[", byte(r)) >= 0
	}
	return r == '＿' || r == '－' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || unicode.Is(unicode.Cf, r)
}

func onlyLetters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}
