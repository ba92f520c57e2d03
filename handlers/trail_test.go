package handlers

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/a-h/templ"
)

func TestTrailLeadsBackTheWayItCame(t *testing.T) {
	follow := func(href templ.SafeURL) trail {
		u, err := url.Parse(string(href))
		if err != nil {
			t.Fatal(err)
		}
		return readTrail(&form{values: u.Query()})
	}
	own, query := templ.SafeURL("/rows"), []string{"status", "dead"}
	at, seen := trail{}, []string{""}
	for i := range 3 * trailMost {
		at = follow(at.older(own, query, "c,"+strconv.Itoa(i)))
		seen = append(seen, at.cursor)
	}
	for i := len(seen) - 2; i >= len(seen)-1-trailMost; i-- {
		if at = follow(at.newer(own, query)); at.cursor != seen[i] {
			t.Fatalf("back at %q, came from %q", at.cursor, seen[i])
		}
	}
	if href := at.newer(own, query); href != "/rows?status=dead" {
		t.Errorf("beyond what is remembered it leads to %s", href)
	}
	if (trail{}).newer(own, query) != "" || (trail{}).older(own, query, "") != "" {
		t.Error("an end has a way on")
	}
}
