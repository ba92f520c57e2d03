package handlers

import (
	"context"
	"net/http"
	"slices"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/views"
)

// accounts are who may come in.
type accounts interface {
	Users(ctx context.Context) ([]access.User, error)
	User(ctx context.Context, name string) (access.User, error)
	AddUser(ctx context.Context, n access.NewUser) (access.User, string, error)
	ChangeUser(ctx context.Context, name string, c access.UserChange) (access.User, error)
	Invite(ctx context.Context, name, reason string) (access.User, string, error)
	RemoveUser(ctx context.Context, name, reason string) error
	ChangePassword(ctx context.Context, current, next string, c access.Client) (access.SignedIn, error)

	Tokens(ctx context.Context, owner string) ([]access.Token, error)
	CreateToken(ctx context.Context, n access.NewToken) (access.Token, string, error)
	RevokeToken(ctx context.Context, owner, id, reason string) (access.Token, error)

	Sessions(ctx context.Context, user string) ([]access.Session, error)
	EndSession(ctx context.Context, user, id, reason string) error
	EndOthers(ctx context.Context, reason string) (int, error)
}

type ingestKeys interface {
	List(ctx context.Context) ([]pipeline.IngestKeyView, error)
}

// SettingsConfig is what the page of settings is made of.
type SettingsConfig struct {
	Accounts accounts // nil: there is no access control
	Local    bool     // users have passwords here
	Keys     ingestKeys
	InForce  []views.ConfigGroup
	Public   string // address of the console as others see it, without a slash at the end; empty: as it was asked
}

// Settings is the page of accounts and of what the server runs with.
type Settings struct {
	SettingsConfig
	frame Framer
}

// NewSettings returns the page of settings.
func NewSettings(c SettingsConfig, frame Framer) *Settings {
	return &Settings{SettingsConfig: c, frame: frame}
}

// Show answers the page.
func (h *Settings) Show(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, nil)
}

func (h *Settings) show(w http.ResponseWriter, r *http.Request, status int, typed func(*views.SettingsProps)) error {
	p := views.SettingsProps{Page: h.frame(r, views.SectionSettings, "Settings"), Open: h.Accounts == nil, Local: h.Local, Config: h.InForce}
	id, known := access.From(r.Context())
	p.Admin = known && id.Role.Allows(access.Admin)
	if !p.Open {
		if err := h.own(r.Context(), id, &p); err != nil {
			return err
		}
	}
	if p.Admin {
		if err := h.everybody(r.Context(), id, &p); err != nil {
			return err
		}
	}
	if p.Admin || p.Open {
		var err error
		if p.Keys, err = h.Keys.List(r.Context()); err != nil {
			return err
		}
	}
	if typed != nil {
		typed(&p)
	}
	return render(w, r, status, views.SettingsPage(p))
}

// own is what everybody sees of themselves.
func (h *Settings) own(ctx context.Context, id access.Identity, p *views.SettingsProps) error {
	u, err := h.Accounts.User(ctx, id.Name)
	if err != nil {
		return err
	}
	sessions, err := h.Accounts.Sessions(ctx, id.Name)
	if err != nil {
		return err
	}
	tokens, err := h.Accounts.Tokens(ctx, id.Name)
	if err != nil {
		return err
	}
	p.Own, p.Sessions, p.Tokens = account(u), browsers(sessions), programs(tokens)
	p.Own.Role = string(id.Role)
	if i := slices.IndexFunc(sessions, func(s access.Session) bool { return s.Own }); i >= 0 {
		p.Began = sessions[i].Began
	}
	p.NewToken = views.TokenForm{Roles: roleChoices(id.Role, string(access.Viewer)), Days: dayChoices("90")}
	return nil
}

// everybody is what an admin sees of others.
func (h *Settings) everybody(ctx context.Context, id access.Identity, p *views.SettingsProps) error {
	users, err := h.Accounts.Users(ctx)
	if err != nil {
		return err
	}
	sessions, err := h.Accounts.Sessions(ctx, "")
	if err != nil {
		return err
	}
	tokens, err := h.Accounts.Tokens(ctx, "")
	if err != nil {
		return err
	}
	for _, u := range users {
		p.Users = append(p.Users, account(u))
	}
	p.Others = browsers(slices.DeleteFunc(sessions, func(s access.Session) bool { return s.User == id.Name }))
	p.Foreign = programs(slices.DeleteFunc(tokens, func(t access.Token) bool { return t.Owner == id.Name }))
	p.NewUser = views.UserForm{Roles: roleChoices(access.Admin, string(access.Viewer))}
	return nil
}

// here answers the accounts, which are not where nobody signs in.
func (h *Settings) here() (accounts, error) {
	if h.Accounts == nil {
		return nil, &pipeline.Error{Code: pipeline.CodeConflict, Text: "There is no access control here. Add auth: {local: true} to the configuration and start the server again."}
	}
	return h.Accounts, nil
}

// form reads a form about accounts.
func (h *Settings) form(w http.ResponseWriter, r *http.Request) (accounts, *form, error) {
	of, err := h.here()
	if err != nil {
		return nil, nil, err
	}
	f, err := readForm(w, r)
	return of, f, err
}

// again shows the page once more with what was wrong with a form of it.
func (h *Settings) again(w http.ResponseWriter, r *http.Request, form string, no refusal, typed func(*views.SettingsProps)) error {
	return h.show(w, r, no.Status, func(p *views.SettingsProps) {
		p.Form, p.Wrong = form, views.Wrong{Field: no.Field, Text: no.Text}
		if typed != nil {
			typed(p)
		}
	})
}

// done leads back to the page with a word on what was done.
func (h *Settings) done(w http.ResponseWriter, r *http.Request, text string) error {
	return redirect(w, r, views.Href(baseOf(r), "settings"), text, true)
}

// Password changes the own password.
func (h *Settings) Password(w http.ResponseWriter, r *http.Request) error {
	of, f, err := h.form(w, r)
	if err != nil {
		return err
	}
	in, err := of.ChangePassword(r.Context(), f.values.Get("current"), f.values.Get("password"), clientOf(r))
	if no, ok := turnedAway(w, err); ok {
		return h.again(w, r, "password", no, nil)
	}
	if err != nil {
		return err
	}
	keepSession(w, r, in)
	return h.done(w, r, "Your password is changed. Every other session of yours has ended.")
}

func account(u access.User) views.Account {
	return views.Account{Name: u.Name, Role: string(u.Role), By: u.CreatedBy, Company: u.Source == access.OIDC, Disabled: u.Disabled, Invited: u.Invited,
		CreatedAt: u.CreatedAt, LastSignIn: u.LastSignIn}
}

func browsers(list []access.Session) []views.SignedInBrowser {
	out := make([]views.SignedInBrowser, len(list))
	for i, s := range list {
		out[i] = views.SignedInBrowser{ID: s.ID, User: s.User, Address: s.Address, Agent: s.Agent, Began: s.Began, Used: s.Used, Ends: s.Ends, Own: s.Own}
	}
	return out
}

func programs(list []access.Token) []views.ProgramToken {
	out := make([]views.ProgramToken, len(list))
	for i, t := range list {
		out[i] = views.ProgramToken{ID: t.ID, Name: t.Name, Role: string(t.Role), Owner: t.Owner, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, Used: t.UsedAt}
	}
	return out
}

// roleChoices are the roles up to one.
func roleChoices(most access.Role, chosen string) []views.Choice {
	var out []views.Choice
	for _, role := range access.Roles() {
		if most.Allows(role) {
			out = append(out, views.Choice{Value: string(role), Label: string(role), Chosen: string(role) == chosen})
		}
	}
	return out
}

// dayChoices are how long a token may last.
func dayChoices(chosen string) []views.Choice {
	out := []views.Choice{{Value: "1", Label: "in a day"}, {Value: "7", Label: "in a week"}, {Value: "30", Label: "in 30 days"},
		{Value: "90", Label: "in 90 days"}, {Value: "365", Label: "in a year"}}
	for i := range out {
		out[i].Chosen = out[i].Value == chosen
	}
	return out
}

// inDays is the moment a token is chosen to end.
func inDays(f *form) time.Time {
	days := f.whole("expires_at", 90, 1, 365)
	return time.Now().UTC().AddDate(0, 0, days)
}
