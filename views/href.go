package views

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

// Href builds a URL below the console's base path, every part escaped:
// Href("/", "rows", id) gives "/rows/01krj4tv".
func Href[S ~string](base string, parts ...S) templ.SafeURL {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(string(part))
	}
	return templ.SafeURL(base + strings.Join(escaped, "/"))
}

// WithQuery adds a query to a URL: pairs of key and value, empty values left out.
func WithQuery(href templ.SafeURL, pairs ...string) templ.SafeURL {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return href
	}
	return href + "?" + templ.SafeURL(query.Encode())
}
