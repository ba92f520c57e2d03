package handlers

import (
	"context"
	"net/http"

	"redrive/pipeline/access"
	"redrive/views"
)

// NewToken makes a token and shows it, once.
func (h *Settings) NewToken(w http.ResponseWriter, r *http.Request) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	n := access.NewToken{Name: f.text("name"), Role: access.Role(f.text("role")), ExpiresAt: inDays(f)}
	if err := access.Fresh(r.Context(), "You are about to make a token, with which a program may do what you may."); err != nil {
		return err
	}
	t, secret, err := access.Token{}, "", f.err()
	if err == nil {
		t, secret, err = of.CreateToken(r.Context(), n)
	}
	if no, ok := turnedAway(w, err); ok {
		return h.again(w, r, "token", no, func(p *views.SettingsProps) {
			p.NewToken.Name, p.NewToken.Days = n.Name, dayChoices(f.text("expires_at"))
			p.NewToken.Roles = chosen(p.NewToken.Roles, string(n.Role))
		})
	}
	if err != nil {
		return err
	}
	return h.secret(w, r, views.SecretProps{Heading: "The token for " + t.Name, Label: "Token", Secret: secret, Example: "Authorization: Bearer " + secret,
		Text: "A program that sends it may do what a " + string(t.Role) + " may, as " + t.Owner + ", until " + t.ExpiresAt.Format("2 Jan 2006 15:04") + " UTC."})
}

// secret shows what is shown once. It is the answer to the form itself: a secret
// in a cookie or an address would be kept where nobody looks for one.
func (h *Settings) secret(w http.ResponseWriter, r *http.Request, p views.SecretProps) error {
	p.Page, p.Return = h.frame(r, views.SectionSettings, p.Heading), views.Href(baseOf(r), "settings")
	p.Back = p.Return
	return render(w, r, http.StatusOK, views.SecretPage(p))
}

// mine is whose sessions and tokens somebody may end: an admin everybody's.
func mine(ctx context.Context) string {
	id, _ := access.From(ctx)
	if id.Role.Allows(access.Admin) {
		return ""
	}
	return id.Name
}

// Revoke ends a token.
func (h *Settings) Revoke(w http.ResponseWriter, r *http.Request) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	reason := f.reason()
	var t access.Token
	if err = f.err(); err == nil {
		t, err = of.RevokeToken(r.Context(), mine(r.Context()), param(r, "id"), reason)
	}
	if no, ok := refused(err); ok {
		return h.again(w, r, "revoke", no, nil)
	}
	if err != nil {
		return err
	}
	return h.done(w, r, "Revoked: the token "+t.Name+" of "+t.Owner+" lets nobody in any more.")
}

// EndSession signs a browser out. Whoever ends the own one is led to the way in.
func (h *Settings) EndSession(w http.ResponseWriter, r *http.Request) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	id, _ := access.From(r.Context())
	whose, session := id.Name, param(r, "id")
	reason := f.values.Get("reason")
	own, err := h.isOf(r.Context(), id.Name, session)
	if err == nil && !own {
		whose, reason = mine(r.Context()), f.reason()
		err = f.err()
	}
	if err == nil {
		err = of.EndSession(r.Context(), whose, session, reason)
	}
	if no, ok := refused(err); ok {
		return h.again(w, r, "end", no, nil)
	}
	if err != nil {
		return err
	}
	if session == id.Session {
		ForgetSession(w, r)
		http.Redirect(w, r, string(views.Href(baseOf(r), "login")), http.StatusSeeOther)
		return nil
	}
	return h.done(w, r, "That session has ended.")
}

func (h *Settings) isOf(ctx context.Context, user, session string) (bool, error) {
	list, err := h.Accounts.Sessions(ctx, user)
	for _, s := range list {
		if s.ID == session {
			return true, err
		}
	}
	return false, err
}

// EndOthers ends all sessions of whoever asks but this one.
func (h *Settings) EndOthers(w http.ResponseWriter, r *http.Request) error {
	of, _, err := h.form(w, r)
	if err != nil {
		return err
	}
	n, err := of.EndOthers(r.Context(), "")
	if err != nil {
		return err
	}
	return h.done(w, r, "Ended: "+views.Plural(n, "other session", "other sessions")+" of yours.")
}
