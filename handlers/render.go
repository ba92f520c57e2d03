package handlers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"redrive/pipeline/access"
)

// render writes a page whole or not at all. Showing it uses up the flash, except
// for a page that reads itself again in the background.
func render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var body bytes.Buffer
	// What is known by now is shown, even if the time to read it has run out.
	if err := page.Render(context.WithoutCancel(r.Context()), &body); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// Nothing stays of a form that was refused, of a payload that was revealed, nor
	// anything after signing out.
	h.Set("Cache-Control", "no-store")
	if _, signedIn := access.From(r.Context()); !signedIn && r.Method != http.MethodPost {
		h.Set("Cache-Control", "private, no-cache")
	}
	forgetFlash(w, r)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, err := body.WriteTo(w)
		if err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	return nil
}

// redirect answers a form: the browser reads to, and the page there says once
// what was done. The address is one made by views.Href.
func redirect[S ~string](w http.ResponseWriter, r *http.Request, to S, text string, ok bool) error {
	return redirectFlash(w, r, to, flashOf(text, ok))
}

// param is a part of the path as the operator sees it: chi leaves it escaped
// where the path has escapes.
func param(r *http.Request, name string) string {
	raw := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return raw
	}
	plain, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return plain
}

// pathOf is the request's own address below the base, with its query.
func pathOf(r *http.Request) templ.SafeURL {
	own := strings.TrimLeft(r.URL.EscapedPath(), "/")
	if r.URL.RawQuery != "" {
		own += "?" + r.URL.RawQuery
	}
	return templ.SafeURL(own)
}
