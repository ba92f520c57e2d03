package views

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Choice is one entry of a select.
type Choice struct {
	Value, Label string
	Chosen       bool
}

// FilterChip leads to a part of a list and says how many it holds.
type FilterChip struct {
	Label   string
	Count   int64
	Counted bool // false: the count is not known under the present filter
	Bad     bool // what it counts is trouble
	Current bool
	Href    templ.SafeURL
}

// Listing is what every paged list says of itself.
type Listing struct {
	Shown        string // "50 of 128,402 shown, newest first"
	Searched     string // "Searched the newest 5,000 rows"; empty without a search
	GoOn         templ.SafeURL
	Newer, Older templ.SafeURL
	CSV, JSON    templ.SafeURL
	Export       string // "Export 118 matching as CSV"
	ExportNote   string // when not all of it fits: which part the file holds
}

// Clip cuts a text to at most n runes on one line and marks the cut.
func Clip(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	runes := []rune(text)
	return strings.TrimRight(string(runes[:n-1]), " ,.:;") + "…"
}

// sinceUntil is how long something took or has been there, never below zero.
func sinceUntil(from, to time.Time) time.Duration { return max(0, to.Sub(from)) }
