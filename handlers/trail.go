package handlers

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"redrive/views"
)

// trailMost bounds how many pages a way back is remembered for; beyond it, newer
// leads to the newest.
const trailMost = 60

// trail is the way through a list whose cursors only lead on: where it is, and
// the cursors that led there, so that there is a way back without a store of it.
type trail struct {
	cursor string
	back   []string
}

func readTrail(f *form) trail {
	t := trail{cursor: f.values.Get("cursor")}
	if joined := f.values.Get("trail"); joined != "" && t.cursor != "" {
		for _, part := range strings.Split(joined, ",") {
			if c, err := url.QueryUnescape(part); err == nil && c != "" {
				t.back = append(t.back, c)
			}
		}
	}
	return t
}

func joinTrail(cursors []string) string {
	if len(cursors) > trailMost {
		cursors = cursors[len(cursors)-trailMost:]
	}
	escaped := make([]string, len(cursors))
	for i, c := range cursors {
		escaped[i] = url.QueryEscape(c)
	}
	return strings.Join(escaped, ",")
}

// older is the next page of own with its query, empty when next is.
func (t trail) older(own templ.SafeURL, query []string, next string) templ.SafeURL {
	if next == "" {
		return ""
	}
	back := t.back
	if t.cursor != "" {
		back = append(back[:len(back):len(back)], t.cursor)
	}
	return views.WithQuery(own, append(query[:len(query):len(query)], "cursor", next, "trail", joinTrail(back))...)
}

// newer is the page before, empty on the first.
func (t trail) newer(own templ.SafeURL, query []string) templ.SafeURL {
	if t.cursor == "" {
		return ""
	}
	if len(t.back) == 0 {
		return views.WithQuery(own, query...)
	}
	last := len(t.back) - 1
	return views.WithQuery(own, append(query[:len(query):len(query)], "cursor", t.back[last], "trail", joinTrail(t.back[:last]))...)
}
