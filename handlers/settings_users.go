package handlers

import (
	"context"
	"net/http"
	"strings"

	"redrive/pipeline/access"
	"redrive/views"
)

// AddUser adds a user, or shows the invitation of one, once.
func (h *Settings) AddUser(w http.ResponseWriter, r *http.Request) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	n := access.NewUser{Name: f.text("name"), Role: access.Role(f.text("role")), Password: f.values.Get("password"), Reason: f.reason()}
	if err := access.Fresh(r.Context(), "You are about to add a user."); err != nil {
		return err
	}
	u, invitation, err := access.User{}, "", f.err()
	if err == nil {
		u, invitation, err = of.AddUser(r.Context(), n)
	}
	if no, ok := refused(err); ok {
		return h.again(w, r, "user", no, func(p *views.SettingsProps) {
			p.NewUser = views.UserForm{Name: n.Name, Reason: n.Reason, Roles: chosen(p.NewUser.Roles, string(n.Role))}
		})
	}
	if err != nil {
		return err
	}
	if invitation != "" {
		return h.invitation(w, r, u, invitation)
	}
	return redirect(w, r, views.Href(baseOf(r), "settings", "users", u.Name), "Added: "+u.Name+", "+string(u.Role)+".", true)
}

func (h *Settings) invitation(w http.ResponseWriter, r *http.Request, u access.User, token string) error {
	return h.secret(w, r, views.SecretProps{Heading: u.Name + " is invited", Label: "Invitation token", Secret: token, LinkURL: h.address(r) + string(views.Href(baseOf(r), "setup")),
		Text: "With this token " + u.Name + " chooses a password, once, within three days, and signs in as " + string(u.Role) + "."})
}

// address is where others reach the console, without the base path.
func (h *Settings) address(r *http.Request) string {
	if h.Public != "" {
		return h.Public
	}
	scheme := "http://"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https://"
	}
	return scheme + r.Host
}

// User answers the page of a user.
func (h *Settings) User(w http.ResponseWriter, r *http.Request) error {
	return h.user(w, r, http.StatusOK, nil)
}

func (h *Settings) user(w http.ResponseWriter, r *http.Request, status int, typed func(*views.UserProps)) error {
	of, err := h.here()
	if err != nil {
		return err
	}
	u, err := of.User(r.Context(), param(r, "name"))
	if err != nil {
		return err
	}
	sessions, err := of.Sessions(r.Context(), u.Name)
	if err != nil {
		return err
	}
	tokens, err := of.Tokens(r.Context(), u.Name)
	if err != nil {
		return err
	}
	p := views.UserProps{Page: h.frame(r, views.SectionSettings, u.Name), User: account(u), Local: h.Local, Sessions: browsers(sessions), Tokens: programs(tokens),
		Roles: roleChoices(access.Admin, string(u.Role))}
	p.Back, p.Self = views.Href(p.Base, "settings"), p.Actor == u.Name
	if typed != nil {
		typed(&p)
	}
	return render(w, r, status, views.UserPage(p))
}

// userForm is one of the forms about a user.
type userForm struct {
	name string
	what string // is about to happen
	do   func(ctx context.Context, of accounts, name string, f *form) (access.User, error)
	done func(before, after access.User) views.Flash
}

// Role gives a user another role.
func (h *Settings) Role(w http.ResponseWriter, r *http.Request) error {
	return h.change(w, r, userForm{name: "role", what: "You are about to give a user another role.",
		do: func(ctx context.Context, of accounts, name string, f *form) (access.User, error) {
			role := access.Role(f.text("role"))
			return of.ChangeUser(ctx, name, access.UserChange{Role: &role, Reason: f.values.Get("reason")})
		},
		done: func(before, after access.User) views.Flash {
			return views.Flash{OK: true, Text: after.Name + " is " + string(after.Role) + " now and was " + string(before.Role) + ". Sessions from before have ended.",
				Action: undo("role", views.Hidden{Name: "role", Value: string(before.Role)})}
		}})
}

// Disable shuts a user out.
func (h *Settings) Disable(w http.ResponseWriter, r *http.Request) error {
	return h.change(w, r, userForm{name: "disable", what: "You are about to shut a user out.", do: disabled(true),
		done: func(_, after access.User) views.Flash {
			return views.Flash{OK: true, Text: after.Name + " is shut out: sessions have ended, tokens let nobody in.", Action: undo("enable")}
		}})
}

// Enable lets a user in again.
func (h *Settings) Enable(w http.ResponseWriter, r *http.Request) error {
	return h.change(w, r, userForm{name: "enable", what: "You are about to let a user in again.", do: disabled(false),
		done: func(_, after access.User) views.Flash {
			return views.Flash{OK: true, Text: after.Name + " may sign in again.", Action: undo("disable")}
		}})
}

func disabled(yes bool) func(context.Context, accounts, string, *form) (access.User, error) {
	return func(ctx context.Context, of accounts, name string, f *form) (access.User, error) {
		return of.ChangeUser(ctx, name, access.UserChange{Disabled: &yes, Reason: f.values.Get("reason")})
	}
}

// undo is the way back from a change; where it leads is filled in with the user.
func undo(form string, fields ...views.Hidden) *views.Action {
	return &views.Action{Label: "Undo", Post: true, Href: views.Href("", form), Fields: append(fields, views.Hidden{Name: "reason", Value: "undone"})}
}

// Remove removes a user.
func (h *Settings) Remove(w http.ResponseWriter, r *http.Request) error {
	return h.change(w, r, userForm{name: "remove", what: "You are about to remove a user. That cannot be undone.",
		do: func(ctx context.Context, of accounts, name string, f *form) (access.User, error) {
			return access.User{}, of.RemoveUser(ctx, name, f.values.Get("reason"))
		},
		done: func(before, _ access.User) views.Flash {
			return views.Flash{OK: true, Text: "Removed: " + before.Name + "."}
		}})
}

// change takes a form about a user and leads on to where the user can be seen.
func (h *Settings) change(w http.ResponseWriter, r *http.Request, do userForm) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	before, err := of.User(r.Context(), param(r, "name"))
	if err != nil {
		return err
	}
	if err := access.Fresh(r.Context(), strings.Replace(do.what, "a user", before.Name, 1)); err != nil {
		return err
	}
	f.reason()
	var after access.User
	if err = f.err(); err == nil {
		after, err = do.do(r.Context(), of, before.Name, f)
	}
	if no, ok := refused(err); ok {
		return h.userAgain(w, r, do.name, f, no)
	}
	if err != nil {
		return err
	}
	flash, to := do.done(before, after), views.Href(baseOf(r), "settings", "users", before.Name)
	if after.Name == "" {
		to = views.Href(baseOf(r), "settings")
	}
	if flash.Action != nil {
		flash.Action.Href = to + "/" + flash.Action.Href
	}
	return redirectFlash(w, r, to, flash)
}

func (h *Settings) userAgain(w http.ResponseWriter, r *http.Request, form string, f *form, no refusal) error {
	return h.user(w, r, no.Status, func(p *views.UserProps) {
		p.Form, p.Reason, p.Wrong = form, f.values.Get("reason"), views.Wrong{Field: no.Field, Text: no.Text}
		if form == "role" {
			p.Roles = chosen(p.Roles, f.text("role"))
		}
	})
}

// Invite lets a user choose another password and shows the invitation, once.
func (h *Settings) Invite(w http.ResponseWriter, r *http.Request) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	name := param(r, "name")
	if err := access.Fresh(r.Context(), "You are about to take the password of "+name+" away and invite them anew."); err != nil {
		return err
	}
	reason, u, token := f.reason(), access.User{}, ""
	if err = f.err(); err == nil {
		u, token, err = of.Invite(r.Context(), name, reason)
	}
	if no, ok := refused(err); ok {
		return h.userAgain(w, r, "invite", f, no)
	}
	if err != nil {
		return err
	}
	return h.invitation(w, r, u, token)
}
