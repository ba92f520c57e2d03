package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/views"
)

// doorman lets people in and out.
type doorman interface {
	Empty(ctx context.Context) (bool, error)
	SignIn(ctx context.Context, name, password string, c access.Client) (access.SignedIn, error)
	Accept(ctx context.Context, token, name, password string, c access.Client) (access.SignedIn, error)
	SignInExternal(ctx context.Context, e access.External, c access.Client) (access.SignedIn, error)
	ExternalFailed(ctx context.Context, c access.Client, why error) error
	SignOut(ctx context.Context, token string) error
}

// Provider is an identity provider to sign in with.
type Provider interface {
	// Begin answers where to send the browser and what to hold the answer
	// against; fresh asks for the password even of somebody who is known there.
	Begin(ctx context.Context, fresh bool) (redirect, flow string, err error)
	// Finish answers who came back.
	Finish(ctx context.Context, flow string, query url.Values) (access.External, error)
}

// Login is the way in and out.
type Login struct {
	door     doorman  // nil: there is no access control
	local    bool     // users have passwords here
	provider Provider // nil: none
	base     string
	frame    Framer
	plain    func() // somebody signed in over a line that others can read; nil: nobody is told
}

// OnPlain has somebody told, once, that a sign-in came over plain http from
// beyond this machine.
func (h *Login) OnPlain(tell func()) { h.plain = sync.OnceFunc(tell) }

// NewLogin returns the pages of signing in.
func NewLogin(door doorman, local bool, provider Provider, base string, frame Framer) *Login {
	return &Login{door: door, local: local, provider: provider, base: base, frame: frame}
}

// ToLogin sends a person to the way in, and back afterwards.
func ToLogin(w http.ResponseWriter, r *http.Request, base string) {
	next := strings.TrimLeft(r.URL.EscapedPath(), "/")
	if r.URL.RawQuery != "" {
		next += "?" + r.URL.RawQuery
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, string(views.WithQuery(views.Href(base, "login"), "next", base+next)), http.StatusSeeOther)
}

// next is where to go after signing in: a page of this console and nothing else.
func (h *Login) next(given string) string {
	u, err := url.Parse(given)
	if err != nil || u.IsAbs() || u.Host != "" || !inside(h.base, given) || strings.Contains(u.Path, "\\") || !straight(u.Path) {
		return h.base
	}
	switch strings.TrimPrefix(u.Path, h.base) {
	case "login", "login/oidc", "login/callback", "logout", "setup", "events":
		return h.base
	}
	return given
}

// straight tells whether a path has no detours in it, by which a browser would
// end up elsewhere.
func straight(name string) bool {
	return path.Clean(name) == strings.TrimSuffix(name, "/") || name == "/"
}

// Show asks who is there. Where nobody needs to say, it leads on.
func (h *Login) Show(w http.ResponseWriter, r *http.Request) error {
	next := h.next(r.URL.Query().Get("next"))
	if _, known := access.From(r.Context()); known || h.door == nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return h.show(w, r, http.StatusOK, views.LoginProps{Next: next})
}

func (h *Login) show(w http.ResponseWriter, r *http.Request, status int, p views.LoginProps) error {
	if p.Next == h.base {
		p.Next = ""
	}
	p.Page, p.Local, p.Plain = h.frame(r, "", "Sign in"), h.local, !secure(r)
	if h.provider != nil {
		p.Provider = views.WithQuery(views.Href(h.base, "login", "oidc"), "next", p.Next)
	}
	if h.local {
		var err error
		if p.Empty, err = h.door.Empty(r.Context()); err != nil && p.Error == "" {
			p.Error = "The store does not answer, so nobody can be let in. Try again in a moment."
		}
	}
	return render(w, r, status, views.LoginPage(p))
}

// SignIn takes name and password.
func (h *Login) SignIn(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	if h.door == nil || !h.local {
		return badField("name", "There are no passwords here.")
	}
	next := h.next(f.values.Get("next"))
	in, err := h.door.SignIn(r.Context(), f.values.Get("name"), f.values.Get("password"), clientOf(r))
	if no, ok := turnedAway(w, err); ok {
		return h.show(w, r, no.Status, views.LoginProps{Next: next, Name: f.text("name"), Field: no.Field, Error: no.Text})
	}
	if err != nil {
		return err
	}
	return h.enter(w, r, in, next)
}

// turnedAway tells whether somebody was not let in, in words for the page.
func turnedAway(w http.ResponseWriter, err error) (refusal, bool) {
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		return refusal{}, false
	}
	switch e.Code {
	case pipeline.CodeUnknown:
		return refusal{http.StatusUnauthorized, e.Field, sentence(e.Text)}, true
	case pipeline.CodeForbidden:
		return refusal{http.StatusForbidden, e.Field, sentence(e.Text)}, true
	case pipeline.CodeTooMany:
		retryIn(w, e)
		return refusal{http.StatusTooManyRequests, e.Field, sentence(e.Text)}, true
	}
	return refused(err)
}

// enter sets the cookies of a new session. One that was there before is ended,
// so that nobody can give somebody else theirs.
func (h *Login) enter(w http.ResponseWriter, r *http.Request, in access.SignedIn, next string) error {
	if old := SessionToken(r); old != "" {
		if err := h.door.SignOut(pipeline.WithActor(r.Context(), pipeline.Actor{Name: in.Identity.Name, Role: string(in.Identity.Role), From: address(r)}), old); err != nil {
			return err
		}
	}
	if h.plain != nil && !secure(r) {
		h.plain()
	}
	keepSession(w, r, in)
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

// SignOut ends the session and what the browser kept of it.
func (h *Login) SignOut(w http.ResponseWriter, r *http.Request) error {
	if token := SessionToken(r); token != "" && h.door != nil {
		if err := h.door.SignOut(r.Context(), token); err != nil {
			return err
		}
	}
	ForgetSession(w, r)
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, string(views.Href(h.base, "login")), http.StatusSeeOther)
	return nil
}

// Setup shows the form of who was invited.
func (h *Login) Setup(w http.ResponseWriter, r *http.Request) error {
	if h.door == nil || !h.local {
		http.Redirect(w, r, h.base, http.StatusSeeOther)
		return nil
	}
	return h.setup(w, r, http.StatusOK, views.SetupProps{})
}

func (h *Login) setup(w http.ResponseWriter, r *http.Request, status int, p views.SetupProps) (err error) {
	if p.First, err = h.door.Empty(r.Context()); err != nil {
		return err
	}
	p.Page, p.Plain = h.frame(r, "", "Choose your password"), !secure(r)
	return render(w, r, status, views.SetupPage(p))
}

// Accept sets the password of who was invited and lets them in.
func (h *Login) Accept(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	if h.door == nil || !h.local {
		return badField("token", "There are no passwords here.")
	}
	in, err := h.door.Accept(r.Context(), f.text("token"), f.text("name"), f.values.Get("password"), clientOf(r))
	if no, ok := turnedAway(w, err); ok {
		return h.setup(w, r, no.Status, views.SetupProps{Name: f.text("name"), Field: no.Field, Error: no.Text})
	}
	if err != nil {
		return err
	}
	return h.enter(w, r, in, h.base)
}
