package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/views"
)

// accountStub is two users and what was asked about them.
type accountStub struct {
	accounts
	err  error
	done []string
}

func (s *accountStub) note(did string) error {
	s.done = append(s.done, did)
	return s.err
}

func (s *accountStub) Users(context.Context) ([]access.User, error) {
	return []access.User{{Name: "ann", Role: access.Admin, Source: access.Local, CreatedBy: "local"}, {Name: "bob", Role: access.Viewer, Source: access.Local, CreatedBy: evil}}, nil
}

func (s *accountStub) User(ctx context.Context, name string) (access.User, error) {
	list, _ := s.Users(ctx)
	if i := slices.IndexFunc(list, func(u access.User) bool { return u.Name == name }); i >= 0 {
		return list[i], nil
	}
	return access.User{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such user"}
}

func (s *accountStub) Sessions(_ context.Context, user string) ([]access.Session, error) {
	list := []access.Session{{ID: "s-ann", User: "ann", Own: true, Began: time.Now(), Address: "10.0.0.1"}, {ID: "s-bob", User: "bob", Agent: evil}}
	return slices.DeleteFunc(list, func(x access.Session) bool { return user != "" && x.User != user }), nil
}

func (s *accountStub) Tokens(_ context.Context, owner string) ([]access.Token, error) {
	list := []access.Token{{ID: "t-ann", Name: "deploys", Owner: "ann", Role: access.Operator}, {ID: "t-bob", Name: evil, Owner: "bob", Role: access.Viewer}}
	return slices.DeleteFunc(list, func(x access.Token) bool { return owner != "" && x.Owner != owner }), nil
}

func (s *accountStub) AddUser(_ context.Context, n access.NewUser) (access.User, string, error) {
	return access.User{Name: n.Name, Role: n.Role}, "inv-" + n.Name, s.note("add " + n.Name + " " + string(n.Role) + ": " + n.Reason)
}

func (s *accountStub) ChangeUser(ctx context.Context, name string, c access.UserChange) (access.User, error) {
	did := "change " + name
	if c.Role != nil {
		did += " role " + string(*c.Role)
	}
	if c.Disabled != nil && *c.Disabled {
		did += " disabled"
	}
	u, _ := s.User(ctx, name)
	return u, s.note(did + ": " + c.Reason)
}

func (s *accountStub) Invite(ctx context.Context, name, reason string) (access.User, string, error) {
	u, err := s.User(ctx, name)
	return u, "inv-" + name, errors.Join(err, s.note("invite "+name+": "+reason))
}

func (s *accountStub) RemoveUser(_ context.Context, name, reason string) error {
	return s.note("remove " + name + ": " + reason)
}

func (s *accountStub) CreateToken(_ context.Context, n access.NewToken) (access.Token, string, error) {
	days := int(time.Until(n.ExpiresAt).Hours()/24 + 0.5)
	return access.Token{Name: n.Name, Role: n.Role, Owner: "ann"}, "rdv_x_secret", s.note("token " + n.Name + " " + string(n.Role) + " " + short(float64(days)))
}

func (s *accountStub) RevokeToken(_ context.Context, owner, id, reason string) (access.Token, error) {
	return access.Token{ID: id, Name: "deploys", Owner: "bob"}, s.note("revoke " + owner + "/" + id + ": " + reason)
}

func (s *accountStub) EndSession(_ context.Context, user, id, reason string) error {
	return s.note("end " + user + "/" + id + ": " + reason)
}

func (s *accountStub) ChangePassword(context.Context, string, string, access.Client) (access.SignedIn, error) {
	return access.SignedIn{Token: "new-session", Device: "d", Ends: time.Now().Add(time.Hour)}, s.note("password")
}

type keyStub []pipeline.IngestKeyView

func (s keyStub) List(context.Context) ([]pipeline.IngestKeyView, error) { return s, nil }

// settings are the pages of settings as somebody sees them.
type settings struct {
	*site
	id access.Identity
}

func newSettingsSite(t *testing.T, stub *accountStub, id access.Identity) settings {
	t.Helper()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	c := SettingsConfig{Local: true, Keys: keyStub{{Name: "shop", Pipeline: "github", Prefix: "67c80fed"}},
		InForce: []views.ConfigGroup{{Title: "Server", Columns: []string{"Setting", "Value"}, Rows: [][]string{{"listen", "127.0.0.1:8080"}}}}}
	if stub != nil {
		c.Accounts = stub
	}
	h := NewSettings(c, s.shell.Frame)
	for pattern, handler := range map[string]Handler{"GET /settings": h.Show, "POST /settings/password": h.Password, "POST /settings/tokens": h.NewToken,
		"POST /settings/tokens/{id}/revoke": h.Revoke, "POST /settings/sessions/{id}/end": h.EndSession, "POST /settings/users": h.AddUser,
		"GET /settings/users/{name}": h.User, "POST /settings/users/{name}/role": h.Role, "POST /settings/users/{name}/disable": h.Disable,
		"POST /settings/users/{name}/invite": h.Invite, "POST /settings/users/{name}/remove": h.Remove} {
		s.route(pattern, handler)
	}
	return settings{s, id}
}

func (s settings) get(t *testing.T, target string, status int) *goquery.Document {
	t.Helper()
	doc, _ := s.ask(t, httptest.NewRequest(http.MethodGet, target, nil), status)
	return doc
}

func (s settings) post(t *testing.T, target string, status int, pairs ...string) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	fields := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		fields.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.ask(t, r, status)
}

func (s settings) ask(t *testing.T, r *http.Request, status int) (*goquery.Document, *httptest.ResponseRecorder) {
	t.Helper()
	ctx := r.Context()
	if s.id.Name != "" {
		ctx = access.WithIdentity(ctx, s.id)
	}
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: s.id.Name, Role: string(s.id.Role)})
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r.WithContext(ctx))
	if w.Code != status {
		t.Fatalf("%s %s: status %d, want %d\n%.800s", r.Method, r.URL, w.Code, status, text(w.Body.String()))
	}
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	inertPage(t, doc)
	return doc, w
}

func admin(fresh bool) access.Identity {
	id := access.Identity{Name: "ann", Role: access.Admin, Source: access.Local, Session: "s-ann", Fresh: time.Now().Add(-time.Second)}
	if fresh {
		id.Fresh = time.Now().Add(time.Minute)
	}
	return id
}

func TestSettingsShowWhatIsTheirs(t *testing.T) {
	t.Parallel()
	doc := newSettingsSite(t, &accountStub{}, admin(true)).get(t, "/settings", 200)
	shows(t, doc.Find("main"), "Sessions of others", "Tokens of others", "Ingest keys", "67c80fed", "Configuration in force", "127.0.0.1:8080", evil)
	bob := access.Identity{Name: "bob", Role: access.Viewer, Source: access.Local, Session: "s-bob"}
	doc = newSettingsSite(t, &accountStub{}, bob).get(t, "/settings", 200)
	shows(t, doc.Find("main"), "Your account", "Configuration in force")
	if text := read(doc.Find("main")); strings.Contains(text, "deploys") || strings.Contains(text, "Ingest keys") || doc.Find(`form[action="/settings/users"]`).Length() != 0 {
		t.Errorf("a viewer sees what is an admin's: %.600s", text)
	}
	if got := doc.Find("#token-role option").Length(); got != 1 {
		t.Errorf("a viewer may choose of %d roles", got)
	}
	doc = newSettingsSite(t, nil, access.Identity{}).get(t, "/settings", 200)
	shows(t, doc.Find("main"), "Whoever reaches this address may do everything", "auth: {local: true}", "Ingest keys", "Configuration in force")
	if doc.Find("main form").Length() != 0 {
		t.Error("there are forms without access control")
	}
}

// What cannot be taken back by who finds a browser open asks for the password.
func TestSettingsAskForThePasswordAgain(t *testing.T) {
	t.Parallel()
	stub := &accountStub{}
	s := newSettingsSite(t, stub, admin(false))
	for target, fields := range map[string][]string{
		"/settings/users":             {"name", "cho", "role", "viewer", "reason", "joins"},
		"/settings/tokens":            {"name", "deploys", "role", "viewer"},
		"/settings/users/bob/role":    {"role", "admin", "reason", "more"},
		"/settings/users/bob/disable": {"reason", "away"},
		"/settings/users/bob/invite":  {"reason", "forgot"},
		"/settings/users/bob/remove":  {"reason", "left"},
	} {
		doc, _ := s.post(t, target, 403, fields...)
		shows(t, doc.Find("h1"), "Is it you?")
		for i := 0; i < len(fields); i += 2 {
			if got := doc.Find(`input[type=hidden][name="`+fields[i]+`"]`).AttrOr("value", ""); got != fields[i+1] {
				t.Errorf("%s: %s is %q on the page that asks", target, fields[i], got)
			}
		}
	}
	if len(stub.done) != 0 {
		t.Errorf("it was done already: %q", stub.done)
	}
}

func TestSettingsChangeAccounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target string
		fields []string
		status int
		did    string
	}{
		{"/settings/users", []string{"name", "cho", "role", "viewer", "reason", "joins"}, 200, "add cho viewer: joins"},
		{"/settings/tokens", []string{"name", "deploys", "role", "operator", "expires_at", "7"}, 200, "token deploys operator 7"},
		{"/settings/users/bob/role", []string{"role", "admin", "reason", "more"}, 303, "change bob role admin: more"},
		{"/settings/users/bob/disable", []string{"reason", "away"}, 303, "change bob disabled: away"},
		{"/settings/users/bob/invite", []string{"reason", "forgot"}, 200, "invite bob: forgot"},
		{"/settings/users/bob/remove", []string{"reason", "left"}, 303, "remove bob: left"},
		{"/settings/tokens/t-bob/revoke", []string{"reason", "leaked"}, 303, "revoke /t-bob: leaked"},
		{"/settings/sessions/s-bob/end", []string{"reason", "lost"}, 303, "end /s-bob: lost"},
		{"/settings/sessions/s-ann/end", nil, 303, "end ann/s-ann: "},
	} {
		stub := &accountStub{}
		doc, w := newSettingsSite(t, stub, admin(true)).post(t, tt.target, tt.status, tt.fields...)
		if len(stub.done) != 1 || stub.done[0] != tt.did {
			t.Errorf("%s did %q, want %q", tt.target, stub.done, tt.did)
		}
		if secret := doc.Find("#secret").Text(); tt.status == 200 && !strings.HasPrefix(secret, "inv-") && secret != "rdv_x_secret" {
			t.Errorf("%s shows %q", tt.target, secret)
		}
		if tt.status == 200 && (len(w.Result().Cookies()) != 0 || strings.Contains(w.Header().Get("Cache-Control"), "no-cache")) {
			t.Errorf("%s: a secret that may be kept: %v", tt.target, w.Header())
		}
	}
}

// Whoever is refused finds what they typed, and why beside the field.
func TestSettingsRefuseBesideTheField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target string
		fields []string
		err    *pipeline.Error
		status int
		where  string
		says   string
	}{
		{"/settings/users", []string{"name", "b o b", "role", "operator", "reason", "x"}, &pipeline.Error{Code: pipeline.CodeInvalid, Field: "name", Text: "not a name"}, 400, "#user-name-hint", "Not a name."},
		{"/settings/users", []string{"name", "cho", "role", "viewer", "reason", " "}, nil, 400, "#user-reason-error", "Say why"},
		{"/settings/users", []string{"name", "bob", "role", "viewer", "reason", "x"}, &pipeline.Error{Code: pipeline.CodeConflict, Field: "name", Text: "there already"}, 409, "#user-name-hint", "There already."},
		{"/settings/tokens", []string{"name", "x", "role", "admin"}, &pipeline.Error{Code: pipeline.CodeForbidden, Field: "role", Text: "at most operator"}, 403, "#token-role-error", "At most operator."},
		{"/settings/tokens", []string{"name", "x", "role", "viewer", "expires_at", "9999"}, nil, 400, "#token-expires_at-error", "from 1 to 365"},
		{"/settings/password", []string{"current", "x", "password", "y"}, &pipeline.Error{Code: pipeline.CodeUnknown, Field: "current", Text: "this is not your password"}, 401, "#password-current-hint", "This is not your password."},
		{"/settings/password", []string{"current", "x", "password", "y"}, &pipeline.Error{Code: pipeline.CodeTooMany, Field: "current", Text: "too many", RetryAfter: time.Minute}, 429, "#password-current-hint", "Too many."},
		{"/settings/users/bob/role", []string{"role", "viewer", "reason", "x"}, &pipeline.Error{Code: pipeline.CodeConflict, Text: "bob is the only admin"}, 409, "#user-role-error", "Bob is the only admin."},
		{"/settings/users/bob/remove", []string{"reason", ""}, nil, 400, "#user-remove-error", "Say why"},
		{"/settings/tokens/t-bob/revoke", nil, nil, 400, ".flash", "Say why"},
		{"/settings/sessions/s-bob/end", nil, nil, 400, ".flash", "Say why"},
	} {
		stub := &accountStub{}
		if tt.err != nil {
			stub.err = tt.err
		}
		doc, _ := newSettingsSite(t, stub, admin(true)).post(t, tt.target, tt.status, tt.fields...)
		shows(t, doc.Find(tt.where), tt.says)
		if tt.err == nil && len(stub.done) != 0 {
			t.Errorf("%s was done: %q", tt.target, stub.done)
		}
		if doc.Find(`input[type=password][value!=""]`).Length() != 0 {
			t.Errorf("%s: a password is on the page", tt.target)
		}
	}
}

func TestANewPasswordIsANewSession(t *testing.T) {
	t.Parallel()
	_, w := newSettingsSite(t, &accountStub{}, admin(false)).post(t, "/settings/password", 303, "current", "x", "password", "y")
	if got := w.Header().Values("Set-Cookie"); !slices.ContainsFunc(got, func(c string) bool {
		return strings.Contains(c, "redrive_session=new-session") && strings.Contains(c, "HttpOnly")
	}) {
		t.Errorf("cookies %q", got)
	}
}
