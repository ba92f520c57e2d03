package steps

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

const traceparentLength = len("00-") + 32 + len("-") + 16 + len("-00")

// Traceparent is the row's own, or one made from the row: all calls of a row then share a
// trace, each with a parent of its own, and a dry run shows what a call would send.
func (r Request) Traceparent() string {
	if validTraceparent(r.Trace) {
		return r.Trace
	}
	trace := sha256.Sum256([]byte(r.Row))
	span := sha256.Sum256([]byte(r.Row + "/" + r.Step + "/" + strconv.Itoa(r.Attempt)))
	text := make([]byte, 0, traceparentLength)
	text = append(text, "00-"...)
	text = hex.AppendEncode(text, trace[:16])
	text = append(text, '-')
	text = hex.AppendEncode(text, span[:8])
	return string(append(text, "-01"...))
}

// validTraceparent follows W3C Trace Context: version 00 exactly, a later version also
// with more after a dash, no ids of zeros alone.
func validTraceparent(s string) bool {
	if len(s) < traceparentLength || len(s) > 256 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, trace, span, flags, rest := s[:2], s[3:35], s[36:52], s[53:55], s[55:]
	if !lowerHex(version) || !lowerHex(trace) || !lowerHex(span) || !lowerHex(flags) || version == "ff" {
		return false
	}
	if rest != "" && (version == "00" || rest[0] != '-' || !validValue(rest)) {
		return false
	}
	return !zeros(trace) && !zeros(span)
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func zeros(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}
