package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Whoever reads what the server prints makes the first account, once.
func TestTheFirstAccount(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	out := new(lines)
	p.out = out
	p.start(configuration([]string{step("call")}, withAuth))
	token := eventually(t, "the setup token", func() string {
		found := regexp.MustCompile(`(?m)^    ([A-Z2-7]{20,})$`).FindStringSubmatch(out.String())
		if found == nil {
			return ""
		}
		return found[1]
	}, func(s string) bool { return s != "" })
	eve := p.person("eve")
	eve.form("/setup", "token", "made-up", "name", "eve", "password", passphrase).want(http.StatusBadRequest)
	ann := p.person("ann")
	if short := ann.form("/setup", "token", token, "name", "ann", "password", "short").want(http.StatusBadRequest); !strings.Contains(string(short.body), "12 characters or more") {
		t.Errorf("the page does not say what is wrong with the password")
	}
	ann.form("/setup", "token", token, "name", "ann", "password", passphrase).want(http.StatusSeeOther)
	ann.get("/settings").want(http.StatusOK)
	eve.form("/setup", "token", token, "name", "eve", "password", passphrase).want(http.StatusBadRequest)
	entry := ann.tokenOf("admin").entries("user.accept")[0]
	equal(t, "actor", entry.Actor, "ann")
	equal(t, "object", entry.Object, "users/ann")
	for _, text := range []string{token, passphrase} {
		if strings.Contains(string(entry.Detail), text) {
			t.Error("the audit has a secret in it")
		}
	}
}

// lines is what the program prints, for a test that reads it meanwhile.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	p, ann := launchGuarded(t)
	stranger := p.person("ann")
	equal(t, "the way in", stranger.get("/rows?status=dead").want(http.StatusSeeOther).header.Get("Location"), "/login?next=%2Frows%3Fstatus%3Ddead")
	equal(t, "and back", stranger.form("/login", "name", "Ann ", "password", passphrase, "next", "/rows?status=dead").want(http.StatusSeeOther).header.Get("Location"), "/rows?status=dead")
	equal(t, "nowhere else", p.person("ann").form("/login", "name", "ann", "password", passphrase, "next", "//evil.example/").want(http.StatusSeeOther).header.Get("Location"), "/")
	wrong, unknown := p.person("ann"), p.person("nobody")
	said := func(who *person) string {
		body := string(who.form("/login", "name", who.name, "password", "wrong pass phrase").want(http.StatusUnauthorized).body)
		return regexp.MustCompile(`(?s)id="password-error".*?</span>`).FindString(body)
	}
	if a, b := said(wrong), said(unknown); a != b || !strings.Contains(a, "do not match") {
		t.Errorf("it tells whether a name exists:\n%s\n%s", a, b)
	}
	p.send(http.MethodGet, "/api/v1/rows", "").refused(http.StatusUnauthorized, "Bearer")
	p.send(http.MethodGet, "/api/v1/rows", "", "Authorization", "Bearer made-up").refused(http.StatusUnauthorized, "Bearer")

	var session string
	for name, value := range ann.jar {
		if strings.HasSuffix(name, "redrive_session") {
			session = name + "=" + value
		}
	}
	closed := ann.open("/events")
	ann.form("/logout").want(http.StatusSeeOther)
	closed(time.Now())
	p.send(http.MethodGet, "/api/v1/rows", "", "Cookie", session).refused(http.StatusUnauthorized, "Sign in")

	audit := p.person("ann").signIn(passphrase).tokenOf("admin")
	fails := audit.entries("login.fail")
	if len(fails) != 2 || fails[0].Result == "ok" || fails[1].Object != "users/ann" {
		t.Errorf("failed sign-ins in the audit: %+v", fails)
	}
	if outs := audit.entries("logout.do"); len(outs) != 1 || outs[0].Actor != "ann" {
		t.Errorf("sign-outs in the audit: %+v", outs)
	}
}

// open opens a stream and returns what waits for its end, which must come within
// a moment of since.
func (who *person) open(path string) (closed func(since time.Time)) {
	t := who.p.t
	t.Helper()
	var cookies []string
	for name, value := range who.jar {
		cookies = append(cookies, name+"="+value)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, who.p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", strings.Join(cookies, "; "))
	res, err := who.p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %d", path, res.StatusCode)
	}
	read := bufio.NewScanner(res.Body)
	read.Scan() // it is open
	ended := make(chan time.Time, 1)
	go func() {
		for read.Scan() {
			continue
		}
		res.Body.Close()
		ended <- time.Now()
	}()
	return func(since time.Time) {
		t.Helper()
		select {
		case at := <-ended:
			if took := at.Sub(since); took > 15*time.Second { // about one, on a machine that is not busy
				t.Errorf("%s ended only after %s", path, took)
			}
		case <-time.After(patience):
			t.Errorf("%s goes on", path)
		}
	}
}

// What changes who somebody is ends their sessions, with the streams they have open.
func TestChangesEndSessions(t *testing.T) {
	t.Parallel()
	p, ann := launchGuarded(t)
	admin := ann.tokenOf("admin")
	for what, change := range map[string]string{
		"role":     `{"role":"viewer","reason":"less"}`,
		"disabled": `{"disabled":true,"reason":"away"}`,
		"password": `{"password":"` + another + `","reason":"leaked"}`,
		"invite":   `{"invite":true,"reason":"forgot it"}`,
		"":         "",
	} {
		name := "bob-" + what
		if what == "" {
			name = "bob"
		}
		bob := ann.join(name, "operator")
		closed := bob.open("/events")
		since := time.Now()
		if what == "" {
			admin.json(http.MethodDelete, "/api/v1/users", `{"name":"bob","reason":"left"}`).want(http.StatusOK)
		} else {
			admin.json(http.MethodPost, "/api/v1/users/"+name, change).want(http.StatusOK)
		}
		closed(since)
		equal(t, "a page after the change of "+what, bob.get("/").status, http.StatusSeeOther)
	}
	changes := admin.entries("user.change")
	equal(t, "changes in the audit", len(changes), 3)
	for _, e := range changes {
		var detail struct{ Before, After map[string]any }
		if err := json.Unmarshal(e.Detail, &detail); err != nil || detail.Before == nil || detail.After == nil || e.Actor != "ann" || e.Reason == nil || *e.Reason == "" || e.Result != "ok" {
			t.Errorf("an entry that does not say all: %+v %s", e, e.Detail)
		}
		if strings.Contains(string(e.Detail), another) {
			t.Error("the audit has a password in it")
		}
	}
	if gone := admin.entries("user.remove"); len(gone) != 1 || gone[0].Object != "users/bob" || *gone[0].Reason != "left" {
		t.Errorf("removals in the audit: %+v", gone)
	}
	_ = p
}

func TestChangingTheOwnPassword(t *testing.T) {
	t.Parallel()
	p, ann := launchGuarded(t)
	there := p.person("ann").signIn(passphrase)
	closed := there.open("/events")
	page := ann.form("/settings/password", "current", "wrong pass phrase", "password", another).want(http.StatusUnauthorized)
	if !strings.Contains(string(page.body), "This is not your password") {
		t.Error("the page does not say that the password is wrong")
	}
	ann.form("/settings/password", "current", passphrase, "password", "short").want(http.StatusBadRequest)
	there.get("/").want(http.StatusOK)
	since := time.Now()
	ann.form("/settings/password", "current", passphrase, "password", another).want(http.StatusSeeOther)
	closed(since)
	equal(t, "another browser", there.get("/").status, http.StatusSeeOther)
	if after := ann.get("/settings").want(http.StatusOK); !strings.Contains(string(after.body), "Your password is changed") {
		t.Error("the page does not say that it was done")
	}
	p.person("ann").form("/login", "name", "ann", "password", passphrase).want(http.StatusUnauthorized)
	p.person("ann").signIn(another)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	p, ann := launchGuarded(t)
	bob := ann.join("bob", "viewer")
	type list struct{ Sessions []sessionDoc }
	admin := ann.tokenOf("admin")
	sessions := func() []sessionDoc {
		return decode[list](ann.get("/api/v1/sessions").want(http.StatusOK)).Sessions
	}
	of := func(name string) sessionDoc {
		all := sessions()
		i := slices.IndexFunc(all, func(s sessionDoc) bool { return s.User == name })
		if i < 0 {
			t.Fatalf("%s has no session in %+v", name, all)
		}
		return all[i]
	}
	equal(t, "the own one", of("ann").Own, true)
	equal(t, "another's", of("bob").Own, false)
	bob.get("/api/v1/sessions").refused(http.StatusForbidden, "admin")
	bob.form("/settings/sessions/"+of("ann").ID+"/end", "reason", "mischief").want(http.StatusNotFound)
	closed := bob.open("/events")
	since := time.Now()
	admin.json(http.MethodDelete, "/api/v1/sessions/"+of("bob").ID, `{"reason":"a lost laptop"}`).want(http.StatusOK)
	closed(since)
	admin.json(http.MethodDelete, "/api/v1/sessions/nowhere", "").refused(http.StatusNotFound, "session")
	there := p.person("ann").signIn(passphrase)
	ann.form("/settings/sessions/end-others").want(http.StatusSeeOther)
	equal(t, "the other browser", there.get("/").status, http.StatusSeeOther)
	ann.get("/").want(http.StatusOK)
	if e := admin.entries("session.end"); len(e) != 2 || *e[1].Reason != "a lost laptop" || e[1].Actor != "ann" {
		t.Errorf("ended sessions in the audit: %+v", e)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	_, ann := launchGuarded(t)
	bob := ann.join("bob", "operator")
	send := func(who *person, method, path, body string) answer {
		return who.send(method, path, body, "Content-Type", "application/json")
	}
	send(bob, http.MethodPost, "/api/v1/tokens", `{"name":"deploys","role":"admin"}`).refused(http.StatusForbidden, "role")
	send(bob, http.MethodPost, "/api/v1/tokens", `{"role":"viewer"}`).refused(http.StatusBadRequest, "name")
	send(bob, http.MethodPost, "/api/v1/tokens", `{"name":"x"}`).refused(http.StatusBadRequest, "role")
	send(bob, http.MethodPost, "/api/v1/tokens", `{"name":"x","role":"viewer","expires_at":"2020-01-01T00:00:00Z"}`).refused(http.StatusBadRequest, "expires_at")
	send(bob, http.MethodPost, "/api/v1/tokens", `{"name":"x","role":"viewer","expires_at":"soon"}`).refused(http.StatusBadRequest, "expires_at")
	send(bob, http.MethodPost, "/api/v1/tokens", `{"name":"x","role":"root"}`).refused(http.StatusBadRequest, "role")

	ends := time.Now().Add(3 * time.Second)
	short := decode[tokenDoc](send(bob, http.MethodPost, "/api/v1/tokens", fmt.Sprintf(`{"name":"for a moment","role":"viewer","expires_at":%q}`, ends.UTC().Format(time.RFC3339Nano))).want(http.StatusCreated))
	brief := tokenCaller{bob.p, short.Token}
	brief.json(http.MethodGet, "/api/v1/overview", "").want(http.StatusOK)
	brief.json(http.MethodPost, "/api/v1/sweeps", "{}").refused(http.StatusForbidden, "operator")

	long := decode[tokenDoc](send(bob, http.MethodPost, "/api/v1/tokens", `{"name":"deploys","role":"operator"}`).want(http.StatusCreated))
	deploys := tokenCaller{bob.p, long.Token}
	deploys.json(http.MethodPost, "/api/v1/sweeps", `{"dry_run":true}`).want(http.StatusAccepted)
	type list struct{ Tokens []tokenDoc }
	mine := decode[list](deploys.json(http.MethodGet, "/api/v1/tokens", "").want(http.StatusOK))
	if len(mine.Tokens) != 2 || mine.Tokens[0].Owner != "bob" || mine.Tokens[0].Token != "" {
		t.Errorf("bob's tokens: %+v", mine)
	}
	admin := ann.tokenOf("admin")
	equal(t, "tokens an admin sees", len(decode[list](admin.json(http.MethodGet, "/api/v1/tokens", "").want(http.StatusOK)).Tokens), 3)
	anns := decode[list](admin.json(http.MethodGet, "/api/v1/tokens", "")).Tokens
	own := anns[slices.IndexFunc(anns, func(d tokenDoc) bool { return d.Owner == "ann" })]
	deploys.json(http.MethodDelete, "/api/v1/tokens", `{"id":"`+own.ID+`"}`).refused(http.StatusNotFound, "token")
	deploys.json(http.MethodDelete, "/api/v1/tokens/"+own.ID, "").refused(http.StatusNotFound, "token")

	admin.json(http.MethodDelete, "/api/v1/tokens", `{"id":"`+long.ID+`","reason":"leaked"}`).want(http.StatusOK)
	deploys.json(http.MethodGet, "/api/v1/overview", "").refused(http.StatusUnauthorized, "Bearer")
	eventually(t, "the token to expire", func() int { return brief.json(http.MethodGet, "/api/v1/overview", "").status }, is(http.StatusUnauthorized))
	if time.Now().Before(ends) {
		t.Error("it expired before its time")
	}
	made, revoked := admin.entries("token.create"), admin.entries("token.revoke")
	if len(made) != 3 || len(revoked) != 1 || *revoked[0].Reason != "leaked" || made[2].Actor != "bob" {
		t.Errorf("tokens in the audit: %+v %+v", made, revoked)
	}
	for _, e := range append(made, revoked...) {
		if strings.Contains(string(e.Detail), strings.Split(long.Token, "_")[2]) {
			t.Error("the audit has a secret in it")
		}
	}
}

func TestUsersOverTheAPI(t *testing.T) {
	t.Parallel()
	_, ann := launchGuarded(t)
	admin := ann.tokenOf("admin")
	post := func(path, body string) answer { return admin.json(http.MethodPost, path, body) }
	post("/api/v1/users", `{"name":"bob","role":"viewer","password":"short"}`).refused(http.StatusBadRequest, "password")
	post("/api/v1/users", `{"name":"bob","role":"viewer","password":""}`).refused(http.StatusBadRequest, "password")
	post("/api/v1/users", `{"name":"b o b","role":"viewer"}`).refused(http.StatusBadRequest, "name")
	post("/api/v1/users", `{"name":"bob","role":"root"}`).refused(http.StatusBadRequest, "role")
	post("/api/v1/users", `{"name":"bob"}`).refused(http.StatusBadRequest, "role")
	post("/api/v1/users", `{"name":"bob","role":"viewer","colour":"red"}`).refused(http.StatusBadRequest, "colour")
	bob := decode[map[string]any](post("/api/v1/users", `{"name":"Bob","role":"viewer","password":"`+passphrase+`","reason":"joins"}`).want(http.StatusCreated))
	for field, want := range map[string]any{"name": "bob", "role": "viewer", "source": "local", "disabled": false, "invited": false, "created_by": "ann", "last_sign_in_at": nil, "invitation": nil} {
		if got, there := bob[field]; !there || got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	post("/api/v1/users", `{"name":"bob","role":"viewer","password":"`+passphrase+`"}`).refused(http.StatusConflict, "bob")
	post("/api/v1/users/bob", `{"reason":"nothing"}`).refused(http.StatusBadRequest, "role")
	post("/api/v1/users/bob", `{"role":"root"}`).refused(http.StatusBadRequest, "role")
	post("/api/v1/users/nobody", `{"role":"viewer"}`).refused(http.StatusNotFound, "user")
	admin.json(http.MethodDelete, "/api/v1/users", `{}`).refused(http.StatusBadRequest, "name")
	admin.json(http.MethodDelete, "/api/v1/users", `{"name":"nobody"}`).refused(http.StatusNotFound, "user")
	for _, last := range []string{`{"role":"viewer"}`, `{"disabled":true}`, `{"invite":true}`} {
		post("/api/v1/users/ann", last).refused(http.StatusConflict, "only admin")
	}
	admin.json(http.MethodDelete, "/api/v1/users/ann", "").refused(http.StatusConflict, "only admin")
	equal(t, "ann is there still", decode[userDoc](admin.json(http.MethodGet, "/api/v1/users/ann", "").want(http.StatusOK)).Role, "admin")
	admin.json(http.MethodDelete, "/api/v1/users/bob", `{"reason":"left"}`).want(http.StatusOK)
	type list struct{ Users []userDoc }
	equal(t, "users", len(decode[list](admin.json(http.MethodGet, "/api/v1/users", "").want(http.StatusOK)).Users), 1)
	refused := admin.entries("user.remove")
	if len(refused) != 2 || !strings.Contains(refused[1].Result, "only admin") {
		t.Errorf("the audit does not say that an admin was kept: %+v", refused)
	}
}

// Where nobody signs in, a program is told so.
func TestNoAccountsWithoutAccessControl(t *testing.T) {
	t.Parallel()
	p := launch(t, step("call"))
	for _, call := range []string{"GET /users", "POST /users", "DELETE /users", "GET /users/ann", "POST /users/ann", "DELETE /users/ann", "GET /tokens", "POST /tokens", "DELETE /tokens",
		"DELETE /tokens/x1", "GET /sessions", "DELETE /sessions/x1"} {
		method, path, _ := strings.Cut(call, " ")
		p.send(method, "/api/v1"+path, "").refused(http.StatusConflict, "auth: {local: true}")
	}
	page := string(p.get("/settings").want(http.StatusOK).body)
	for _, says := range []string{"Whoever reaches this address may do everything", "auth: {local: true}", "Configuration in force"} {
		if !strings.Contains(page, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
}

// Every call of the API and of the probes asks for the role its document names.
func TestEveryCallAsksForItsRole(t *testing.T) {
	t.Parallel()
	p, ann := launchGuarded(t)
	callers := map[string]tokenCaller{"viewer": ann.join("vic", "viewer").tokenOf("viewer"), "operator": ann.join("olga", "operator").tokenOf("operator"), "admin": ann.tokenOf("admin")}
	rank := map[string]int{"viewer": 1, "operator": 2, "admin": 3}
	var doc struct {
		Paths map[string]map[string]struct {
			Role string `json:"x-role"`
		}
	}
	if err := json.Unmarshal(callers["viewer"].json(http.MethodGet, "/api/v1/openapi.json", "").want(http.StatusOK).body, &doc); err != nil || len(doc.Paths) < 40 {
		t.Fatalf("%d paths, %v", len(doc.Paths), err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			target := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x1")
			call := strings.ToUpper(method)
			p.send(call, target, "").refused(http.StatusUnauthorized, "Sign in")
			for role, caller := range callers {
				if rank[role] < rank[op.Role] {
					caller.json(call, target, "").refused(http.StatusForbidden, op.Role)
				} else if call == http.MethodGet {
					if got := caller.json(call, target, "").status; got == http.StatusUnauthorized || got == http.StatusForbidden {
						t.Errorf("%s %s as %s: %d", call, target, role, got)
					}
				}
			}
		}
	}
	p.send(http.MethodGet, "/metrics", "").refused(http.StatusUnauthorized, "token")
	callers["viewer"].json(http.MethodGet, "/metrics", "").want(http.StatusOK)
	for _, path := range []string{"/healthz", "/readyz"} {
		p.get(path).want(http.StatusOK)
	}
	if denied := callers["admin"].entries("access.deny"); len(denied) == 0 || denied[0].Result == "ok" {
		t.Errorf("what was refused is not in the audit: %+v", denied)
	}
}

func TestUserAddWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	p, _ := launchGuarded(t)
	file := filepath.Join(p.dir, "redrive.yaml")
	code, said := p.addUser(file, "bob", "operator", passphrase)
	equal(t, "exit code of "+said, code, exitFine)
	p.person("bob").signIn(passphrase).get("/rows").want(http.StatusOK)
	for _, c := range []struct{ name, role, password, says string }{
		{"cho", "viewer", "short", "too short"},
		{"cho", "viewer", "", "no password"},
		{"bob", "viewer", passphrase, "already"},
		{"c h o", "viewer", passphrase, "name"},
		{"cho", "root", passphrase, "--role"},
	} {
		code, said := p.addUser(file, c.name, c.role, c.password)
		if code == exitFine || !strings.Contains(said, c.says) || strings.Contains(said, passphrase) {
			t.Errorf("%s as %s: exit code %d, %s", c.name, c.role, code, said)
		}
	}
	for _, args := range [][]string{{"cho", passphrase, "--role", "viewer"}, {"cho", "--password", passphrase, "--role", "viewer"}, {"cho", "--password=" + passphrase, "--role", "viewer"}} {
		if code, said := p.command(append([]string{"--config", file, "user", "add"}, args...)...); code != exitUnusual {
			t.Errorf("a password among the arguments: exit code %d, %s", code, said)
		}
	}
	codes := make([]int, 2)
	var both sync.WaitGroup
	for i := range codes {
		both.Go(func() { codes[i], _ = p.addUser(file, "dee", "viewer", passphrase) })
	}
	both.Wait()
	slices.Sort(codes)
	equal(t, "exit codes of two at once", fmt.Sprint(codes), fmt.Sprint([]int{exitFine, exitFailed}))
}
