package handlers

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"redrive/views"
)

// loginFor is how long somebody may take at the provider.
const loginFor = 10 * time.Minute

// Provider sends the browser to the identity provider. It changes nothing here:
// what the answer is held against is in a cookie of this browser.
func (h *Login) Provider(w http.ResponseWriter, r *http.Request) error {
	if h.provider == nil {
		http.Redirect(w, r, h.base, http.StatusSeeOther)
		return nil
	}
	next := h.next(r.URL.Query().Get("next"))
	to, flow, err := h.provider.Begin(r.Context(), r.URL.Query().Get("fresh") != "")
	if err != nil {
		return h.notIn(w, r, next, err)
	}
	setCookie(w, r, loginCookie, encode(next)+"."+encode(flow), loginFor)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// Callback is where the provider sends the browser back to.
func (h *Login) Callback(w http.ResponseWriter, r *http.Request) error {
	if h.provider == nil {
		http.Redirect(w, r, h.base, http.StatusSeeOther)
		return nil
	}
	nextText, flowText, _ := strings.Cut(cookieOf(r, loginCookie), ".")
	next, flow := h.next(decode(nextText)), decode(flowText)
	setCookie(w, r, loginCookie, "", 0) // good for one answer
	who, err := h.provider.Finish(r.Context(), flow, r.URL.Query())
	if err != nil {
		return h.notIn(w, r, next, h.door.ExternalFailed(r.Context(), clientOf(r), err))
	}
	in, err := h.door.SignInExternal(r.Context(), who, clientOf(r))
	if err != nil {
		return h.notIn(w, r, next, err)
	}
	return h.enter(w, r, in, next)
}

// notIn shows the way in again, with the sentence of what went wrong if it has one.
func (h *Login) notIn(w http.ResponseWriter, r *http.Request, next string, err error) error {
	no, ok := turnedAway(w, err)
	if !ok {
		return err
	}
	return h.show(w, r, no.Status, views.LoginProps{Next: next, Error: no.Text})
}

// fresh is where somebody who has no password here proves who they are again.
func (h *Login) again(r *http.Request) string {
	return string(views.WithQuery(views.Href(h.base, "login", "oidc"), "fresh", "yes", "next", h.next(referer(r))))
}

// referer is the path of the page a form was on; the browser sends no more.
func referer(r *http.Request) string {
	_, rest, ok := strings.Cut(r.Referer(), "://"+r.Host)
	if !ok {
		return ""
	}
	return rest
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decode(text string) string {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(raw)
}
