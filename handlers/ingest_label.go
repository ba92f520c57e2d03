package handlers

import (
	"net/http"
	"strings"
	"unicode"

	"redrive/handlers/peek"
	"redrive/pipeline/redact"
)

const (
	maxLabel  = 80  // characters of a label
	longLabel = 512 // bytes of it that are looked at
)

// eventLabel is what an operator recognises a row by: the name of the event as the
// sender's header tells it, else as the payload does; empty if neither does.
func eventLabel(h http.Header, payload []byte) string {
	for _, name := range []string{"X-Github-Event", "X-Gitea-Event"} {
		if event := h.Get(name); event != "" {
			if action, ok := peek.String(payload, "action"); ok {
				event += "." + action
			}
			return cleanLabel(event)
		}
	}
	for _, name := range []string{"X-Event-Type", "X-Gitlab-Event", "X-Shopify-Topic", "X-Event-Key", "X-Wc-Webhook-Topic", "Ce-Type"} {
		if event := h.Get(name); event != "" {
			return cleanLabel(event)
		}
	}
	for _, key := range []string{"type", "event", "event_type", "action"} {
		if event, ok := peek.String(payload, key); ok {
			return cleanLabel(event)
		}
	}
	return ""
}

// cleanLabel takes out what would not show or would change how other text shows,
// and secrets before it cuts.
func cleanLabel(text string) string {
	text = strings.Map(func(c rune) rune {
		if c == unicode.ReplacementChar || unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return c
	}, text)
	text = strings.TrimSpace(text)
	if len(text) > longLabel {
		start, _ := redact.Beginning("", []byte(text[:longLabel]))
		text = strings.ToValidUTF8(string(start), "")
	}
	text = redact.Text(text)
	if len(text) <= maxLabel {
		return text
	}
	if runes := []rune(text); len(runes) > maxLabel {
		return string(runes[:maxLabel])
	}
	return text
}

// traceparent returns the request's W3C trace context if it is well-formed.
func traceparent(h http.Header) string {
	given := h.Values("Traceparent")
	if len(given) != 1 || len(given[0]) != 55 {
		return ""
	}
	parts := strings.Split(given[0], "-")
	if len(parts) != 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 || len(parts[3]) != 2 || parts[0] == "ff" {
		return ""
	}
	for _, part := range parts {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return ""
		}
	}
	if strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == "" {
		return ""
	}
	return given[0]
}
