package pipeline

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Causes of a failure that came without a status.
const (
	CauseTimeout    = "timeout"
	CauseConnection = "connection"
	CauseRequest    = "request" // the row makes no valid request; no call was made
	CauseAddress    = "address" // where the step leads to is not called; no call was made
)

// causeMost bounds the text of a cause, in bytes.
const causeMost = 300

// GroupOf names the cause of a dead letter: a short id, the same for letters of
// the same step, kind, status (or time-out, connection) and normalised text.
func GroupOf(pipeline, step string, kind LetterKind, status int, cause, text string) string {
	if status != 0 {
		cause = strconv.Itoa(status)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{pipeline, step, string(kind), cause, text}, "\x00")))
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}

// NormaliseError takes ids, numbers, times and addresses out of an error text,
// so that failures of one cause read alike. A status at the start stays.
func NormaliseError(text string) string {
	var b strings.Builder
	rest := text
	if len(text) > 4 && text[3] == ' ' && isNumber(text[:3]) {
		b.WriteString(text[:4])
		rest = text[4:]
	}
	for rest != "" && b.Len() < causeMost {
		n := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) })
		if n < 0 {
			n = len(rest)
		}
		if n > 0 {
			b.WriteString(normaliseWord(rest[:n]))
			rest = rest[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		b.WriteRune(r)
		rest = rest[size:]
	}
	return strings.ToValidUTF8(collapse(b.String()), "")
}

// isWord tells which characters hold an id, a number, a time or an address
// together.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.:@+", r)
}

func normaliseWord(word string) string {
	core := strings.TrimRight(word, ".:-")
	tail := word[len(core):]
	digits, letters := 0, 0
	for _, r := range core {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	switch {
	case strings.Contains(core, "@") && strings.Contains(core, "."):
		return "‹address›" + tail
	case digits == 0:
		return word
	case letters == 0 || isQuantity(core, letters):
		return "‹n›" + tail
	case looksLikeTime(core):
		return "‹time›" + tail
	case len(core) >= 8 && digits >= 2 && !strings.ContainsAny(core, ":"):
		return "‹id›" + tail
	default:
		return digitsOut(core) + tail
	}
}

// isQuantity: a number with a short unit, as 5.003s, 10ms, 32kB.
func isQuantity(word string, letters int) bool {
	return letters <= 3 && isNumber(strings.TrimRightFunc(word, unicode.IsLetter))
}

func isNumber(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsDigit(r) && r != '.' && r != '-' && r != '+' }) < 0
}

// looksLikeTime: 2026-11-21T10:00:00Z and its kin.
func looksLikeTime(word string) bool {
	return len(word) >= 10 && isNumber(word[:4]) && word[4] == '-' && strings.ContainsRune(word, 'T')
}

// digitsOut replaces each run of digits.
func digitsOut(word string) string {
	var b strings.Builder
	in := false
	for _, r := range word {
		if !unicode.IsDigit(r) {
			in = false
			b.WriteRune(r)
		} else if !in {
			in = true
			b.WriteString("‹n›")
		}
	}
	return b.String()
}

// collapse makes a list of numbers one number, so that its length does not
// matter.
func collapse(s string) string {
	for _, sep := range []string{" ", ", ", ","} {
		for strings.Contains(s, "‹n›"+sep+"‹n›") {
			s = strings.ReplaceAll(s, "‹n›"+sep+"‹n›", "‹n›")
		}
	}
	return s
}
