package notify

import (
	"strings"
	"unicode"
)

const textMost = 500 // characters of a name or reason in a message

// Link is the address of a page below the console's base, empty without a base.
func Link(base, path string) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/" + path
}

// slackText makes text from outside plain in a Slack message: no pings, no links.
func slackText(s string) string { return escape(Inert(s)) }

// escape makes text safe in a Slack message: no pings, no written links, no marks
// that turn the writing around.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(clip(Clean(s)))
}

func clip(s string) string {
	if r := []rune(s); len(r) > textMost {
		return string(r[:textMost]) + "…"
	}
	return s
}

// Inert is Clean, and leaves nothing that a phone or a chat makes a link of: no
// scheme, and no dot with a name after it.
func Inert(s string) string {
	s = strings.ReplaceAll(Clean(s), "://", ": //")
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		b.WriteRune(r)
		if strings.ContainsRune(dots, r) && i+1 < len(runes) && unicode.IsLetter(runes[i+1]) {
			b.WriteRune(' ')
		}
	}
	return b.String()
}

// dots are all that IDNA takes for one.
const dots = ".\u3002\uff0e\uff61"

// Clean takes control characters and marks that turn the writing around out of
// a text from outside.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
}
