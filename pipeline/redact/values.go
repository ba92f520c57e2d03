package redact

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode/utf8"
)

// shape is how a kind of secret looks. A text that has not what it needs, or
// none of its marks, is not searched.
type shape struct {
	needs   uint8
	marks   []string // small letters: in any case
	anyCase bool
	re      *regexp.Regexp
	into    string // what is written instead; $1 stays
}

var shapes = []shape{
	{marks: []string{"hooks.slack.com/", "/api/webhooks/"}, re: regexp.MustCompile(`(hooks\.slack\.com/|/api/webhooks/)[^\s"'<>]+`), into: "${1}" + Mask},
	{needs: capitals, marks: []string{"AKIA", "ASIA", "ABIA", "ACCA"}, re: regexp.MustCompile(`(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}`), into: Mask},
	{needs: capitals, marks: []string{"eyJ"}, re: regexp.MustCompile(`eyJ[A-Za-z0-9_-]{12,}={0,2}(?:\.[A-Za-z0-9_-]*)*`), into: Mask},
	{needs: spaces, marks: []string{"bearer", "basic"}, anyCase: true, re: regexp.MustCompile(`(?i)\b((?:bearer|basic)[ \t]+)([a-z0-9._~+/=-]{8,})`), into: ""},
	{needs: dashes, marks: []string{"gh"}, re: regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{20,}`), into: Mask},
	{needs: dashes, marks: []string{"glpat-"}, re: regexp.MustCompile(`glpat-[A-Za-z0-9_-]{16,}`), into: Mask},
	{needs: dashes, marks: []string{"xox", "xapp-"}, re: regexp.MustCompile(`(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}`), into: Mask},
	{needs: dashes, marks: []string{"_live_", "_test_"}, re: regexp.MustCompile(`(?:sk|pk|rk|ak)_(?:live|test)_[A-Za-z0-9_]{8,}`), into: Mask},
	{needs: dashes, marks: []string{"whsec_", "npm_", "dop_v1_", "shpat_", "hf_"}, re: regexp.MustCompile(`\b(?:whsec_|npm_|dop_v1_|shpat_|hf_)[A-Za-z0-9+/=_-]{16,}`), into: Mask},
	{needs: dashes, marks: []string{"sk-"}, re: regexp.MustCompile(`\bsk-[A-Za-z0-9_-]{20,}`), into: Mask},
	{needs: capitals, marks: []string{"AIza", "ya29.", "SG."}, re: regexp.MustCompile(`AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{20,}|SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}`), into: Mask},
}

// values masks secrets known by their own form.
func (l look) values(s string) string {
	if l.has(dashes|capitals) && strings.Contains(s, "-----BEGIN ") {
		s = blocks(s)
	}
	if l.has(separators|ats) && strings.Contains(s, "://") {
		s = users(s)
	}
	for _, f := range shapes {
		switch {
		case !l.has(f.needs) || !f.in(s):
		case f.into == "":
			s = schemes(s, f.re)
		default:
			s = f.re.ReplaceAllString(s, f.into)
		}
	}
	return s
}

func (f shape) in(s string) bool {
	for _, mark := range f.marks {
		if !f.anyCase && strings.Contains(s, mark) || f.anyCase && containsFold(s, mark) {
			return true
		}
	}
	return false
}

func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

var userOfURL = regexp.MustCompile(`://([^\s/?#"'<>]+)@`)

// users masks user and password in URLs; the user of Git is everybody's.
func users(s string) string {
	e := editor{in: s}
	for _, at := range userOfURL.FindAllStringSubmatchIndex(s, -1) {
		if user := s[at[2]:at[3]]; user != "git" && user != Mask {
			e.mask(at[2], at[3])
		}
	}
	return e.String()
}

// schemes masks the credentials after Bearer and Basic, unless they are a word
// of the sentence: "Basic authentication".
func schemes(s string, re *regexp.Regexp) string {
	e := editor{in: s}
	for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
		word := s[at[4]:at[5]]
		if strings.Trim(word[1:], "abcdefghijklmnopqrstuvwxyz") != "" {
			e.mask(at[4], at[5])
		}
	}
	return e.String()
}

// blocks masks PEM blocks, also one without its end.
func blocks(s string) string {
	const begin, end, line = "-----BEGIN ", "-----END ", "-----"
	e := editor{in: s}
	for at := 0; ; {
		i := strings.Index(s[at:], begin)
		if i < 0 {
			return e.String()
		}
		from := at + i
		to := len(s)
		if j := strings.Index(s[from:], end); j >= 0 {
			to = from + j + len(end)
			if k := strings.Index(s[to:min(len(s), to+100)], line); k >= 0 {
				to += k + len(line)
			}
		}
		e.mask(from, to)
		at = to
	}
}

// encodedLeast is how long base64 is, at least, that is looked into.
const encodedLeast = 16

// encoded masks base64 of a text with a secret in it.
func (m masker) encoded(s string) string {
	e := editor{in: s}
	for i := 0; i < len(s); {
		n := encodedLen(s[i:])
		if n >= encodedLeast && m.hides(s[i:i+n]) {
			e.mask(i, i+n)
		}
		i += max(n, 1)
	}
	return e.String()
}

// encodedLen is how many of the first bytes may be base64.
func encodedLen(s string) int {
	for i := range len(s) {
		if !inBase64(s[i]) {
			return i
		}
	}
	return len(s)
}

func inBase64(c byte) bool { return base64Chars[c] }

var base64Chars = func() (table [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_=") {
		table[c] = true
	}
	return table
}()

func (m masker) hides(word string) bool {
	word = strings.TrimRight(word, "=")
	coding := base64.RawStdEncoding
	if strings.ContainsAny(word, "-_") {
		coding = base64.RawURLEncoding
	}
	if len(word)%4 == 1 { // cut off
		word = word[:len(word)-1]
	}
	plain, err := coding.DecodeString(word)
	if err != nil || !utf8.Valid(plain) {
		return false
	}
	m.base64 = false
	return m.value(string(plain)) != string(plain)
}
