package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

// maxBody bounds the JSON of one call.
const maxBody = 1 << 20

// Call is one request to an operation; its query is checked already.
type Call struct {
	w     http.ResponseWriter
	r     *http.Request
	query map[string]string
}

func (c *Call) ctx() context.Context { return c.r.Context() }

// text returns a query parameter, empty if it was not given.
func (c *Call) text(name string) string { return c.query[name] }

// time returns a query parameter that is a time, zero if it was not given.
func (c *Call) time(name string) time.Time {
	at, _ := time.Parse(time.RFC3339, c.query[name])
	return at.UTC()
}

// limit returns how many items are asked for.
func (c *Call) limit() int {
	n, err := limitOf(c.query["limit"])
	if err != nil {
		return defaultLimit
	}
	return n
}

// sight is how much of payloads the caller sees. Without access control a program
// on this machine reads them as they are stored; people reveal them on the pages.
func (c *Call) sight() pipeline.Sight {
	if pipeline.ActorFrom(c.ctx()).Role == "" {
		return pipeline.Stored
	}
	return pipeline.SightOf(c.ctx())
}

// reveals tells whether the caller asks to see more than that.
func (c *Call) reveals() bool { return c.text("reveal") == "true" && c.sight() != pipeline.Stored }

// window checks that until does not lie before since.
func (c *Call) window() (since, until time.Time, err error) {
	since, until = c.time("since"), c.time("until")
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		return since, until, problem.Invalid("until", "until lies before since.")
	}
	return since, until, nil
}

// id returns the id in the path. One that no id can look like does not exist;
// the store is not asked for it.
func (c *Call) id() (string, error) {
	id := c.name("id")
	if !looksLikeID(id) {
		return "", problem.New(http.StatusNotFound, "There is nothing with this id.")
	}
	return id, nil
}

// name returns a segment of the path as it was meant. The router matches raw
// segments, so each is unescaped exactly once, here.
func (c *Call) name(key string) string {
	raw := chi.URLParam(c.r, key)
	name, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return name
}

func looksLikeID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
