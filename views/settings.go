package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"redrive/pipeline"
)

// SettingsProps is the page of accounts and of what the server runs with.
type SettingsProps struct {
	Page
	Open   bool    // there is no access control
	Own    Account // who looks
	Began  time.Time
	Local  bool // users have passwords here
	Admin  bool // sees everybody
	Config []ConfigGroup

	Sessions []SignedInBrowser // of who looks
	Tokens   []ProgramToken    // of who looks
	Users    []Account
	Others   []SignedInBrowser // of everybody else
	Foreign  []ProgramToken    // of everybody else
	Keys     []pipeline.IngestKeyView

	Wrong    Wrong // of the form that was refused
	Form     string
	NewToken TokenForm
	NewUser  UserForm
}

// Account is a user as pages show it.
type Account struct {
	Name, Role, By             string
	Company, Disabled, Invited bool // Company: signs in at an identity provider
	CreatedAt, LastSignIn      time.Time
}

// SignedInBrowser is a session as pages show it.
type SignedInBrowser struct {
	ID, User, Address, Agent string
	Began, Used, Ends        time.Time
	Own                      bool // the one that looks
}

// ProgramToken is a token as pages show it.
type ProgramToken struct {
	ID, Name, Role, Owner      string
	CreatedAt, ExpiresAt, Used time.Time
}

// TokenForm makes a token; it holds what was typed before an error.
type TokenForm struct {
	Name   string
	Roles  []Choice // up to one's own
	Days   []Choice
	Reason string
}

// UserForm adds a user; it holds what was typed before an error.
type UserForm struct {
	Name, Reason string
	Roles        []Choice
}

// ConfigGroup is a table of the configuration in force.
type ConfigGroup struct {
	Title   string
	Note    string
	Columns []string // in the first column is the name of what the row is about
	Rows    [][]string
}

// SecretProps is the page that shows a secret, once.
type SecretProps struct {
	Page
	Heading string
	Text    string
	Label   string // of the secret
	Secret  string
	LinkURL string // where the secret is used, as somebody else must type it; empty: nowhere
	Example string // how a program sends it
	Return  templ.SafeURL
}

// UserProps is the page of one user.
type UserProps struct {
	Page
	User     Account
	Self     bool // the user looks at the own page
	Local    bool
	Sessions []SignedInBrowser
	Tokens   []ProgramToken
	Roles    []Choice
	Form     string // the one that was refused
	Reason   string // as typed there
	Wrong    Wrong
}

func (p SettingsProps) href(parts ...string) templ.SafeURL {
	return Href(p.Base, append([]string{"settings"}, parts...)...)
}

// wrong is what was wrong with a field of a form, empty for any other.
func (p SettingsProps) wrong(form, field string) string {
	if p.Form != form {
		return ""
	}
	return p.Wrong.at(field)
}

// whole is what was wrong with a form and belongs to none of its fields.
func (p SettingsProps) whole(form string, fields ...string) string {
	if p.Form != form {
		return ""
	}
	for _, field := range fields {
		if p.Wrong.Field == field {
			return ""
		}
	}
	return p.Wrong.Text
}

// folded is what was wrong where the form itself is not in sight.
func (p SettingsProps) folded() string {
	switch p.Form {
	case "password", "token", "user":
		return ""
	}
	return p.Wrong.Text
}

func (p SettingsProps) lede() string {
	switch {
	case p.Open:
		return "What this server runs with."
	case p.Admin:
		return "Your account, everybody else’s, and what this server runs with."
	}
	return "Your account, and what this server runs with."
}

func (a Account) signsIn() string {
	switch {
	case a.Company:
		return "company account"
	case a.Invited:
		return "invited"
	}
	return "password"
}

func (p UserProps) href(parts ...string) templ.SafeURL {
	return Href(p.Base, append([]string{"settings", "users", p.User.Name}, parts...)...)
}

// ask is a form about the user, with what was typed if it was refused.
func (p UserProps) ask(form string, c Confirm) Confirm {
	c.ID, c.Action = "user-"+form, p.href(form)
	if p.Form == form {
		c.Reason, c.Error = p.Reason, p.Wrong.Text
	}
	return c
}

func (p UserProps) removeText() string {
	text := "Every session and token of " + p.User.Name + " ends at once. What " + p.User.Name + " did stays in the audit."
	if p.User.Company {
		text += " Whoever may sign in at the identity provider can come in again; disable the account to keep somebody out."
	}
	return text
}

// endLabel says which session a button ends; it begins as the button does.
func (s SignedInBrowser) endLabel() string {
	if s.Own {
		return "Sign out of this session at " + s.Address
	}
	return "End the session of " + browser(s.Agent) + " at " + s.Address
}

// browser is a user agent in a few words, as far as it can be told.
func browser(agent string) string {
	name, system := firstOf(agent, "Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl"),
		firstOf(agent, "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Mac OS X", "macOS", "Linux", "Linux")
	switch {
	case agent == "":
		return "did not say"
	case name == "":
		return Clip(agent, 48)
	case system == "":
		return name
	}
	return name + " on " + system
}

// firstOf is the word for the first mark that is in a text; marks and words in turn.
func firstOf(text string, marks ...string) string {
	for i := 0; i < len(marks); i += 2 {
		if strings.Contains(text, marks[i]) {
			return marks[i+1]
		}
	}
	return ""
}

// roleWords says what a role may do.
func roleWords(role string) string {
	switch role {
	case "viewer":
		return "looks, but sees no payload"
	case "operator":
		return "redrives, forces breakers and reads payloads"
	case "admin":
		return "does everything, users and faults too"
	}
	return "may do everything"
}
