package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	another  = "a wholly different pass phrase"
	withAuth = "auth: {local: true}"
)

// person is somebody at a browser: what it keeps of cookies, and what a browser
// sends with every request.
type person struct {
	p    *testProgram
	name string
	jar  map[string]string
}

func (p *testProgram) person(name string) *person {
	return &person{p: p, name: name, jar: map[string]string{}}
}

func (who *person) send(method, path, body string, headers ...string) answer {
	who.p.t.Helper()
	var cookies []string
	for name, value := range who.jar {
		cookies = append(cookies, name+"="+value)
	}
	headers = append(headers, "Cookie", strings.Join(cookies, "; "), "Sec-Fetch-Site", "same-origin", "User-Agent", "a browser of "+who.name)
	a := who.p.send(method, path, body, headers...)
	res := http.Response{Header: a.header}
	for _, c := range res.Cookies() {
		if who.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(who.jar, c.Name)
		}
	}
	return a
}

func (who *person) get(path string) answer {
	who.p.t.Helper()
	return who.send(http.MethodGet, path, "")
}

// form sends a form; fields are name and value in turn.
func (who *person) form(path string, fields ...string) answer {
	who.p.t.Helper()
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return who.send(http.MethodPost, path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func (who *person) signIn(password string) *person {
	who.p.t.Helper()
	a := who.form("/login", "name", who.name, "password", password).want(http.StatusSeeOther)
	equal(who.p.t, "after signing in", a.header.Get("Location"), "/")
	return who
}

// tokenCaller is a program that sends a token.
type tokenCaller struct {
	p     *testProgram
	token string
}

func (c tokenCaller) json(method, path, body string) answer {
	c.p.t.Helper()
	headers := []string{"Authorization", "Bearer " + c.token}
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return c.p.send(method, path, body, headers...)
}

// launchGuarded runs the program with access control and one admin, ann, who is
// signed in; sections are further ones of the configuration.
func launchGuarded(t *testing.T, sections ...string) (*testProgram, *person) {
	t.Helper()
	p := newProgram(t)
	config := configuration([]string{step("call")}, append(sections, withAuth)...)
	file := p.write("redrive.yaml", p.onBackend(config))
	if code, said := p.addUser(file, "ann", "admin", passphrase); code != exitFine {
		t.Fatal(said)
	}
	p.start(config)
	return p, p.person("ann").signIn(passphrase)
}

// addUser adds a user from the terminal.
func (p *testProgram) addUser(file, name, role, password string) (code int, said string) {
	p.t.Helper()
	var out strings.Builder
	code = run(context.WithoutCancel(p.t.Context()), []string{"--config", file, "user", "add", name, "--role", role},
		terminal{out: &out, err: &out, in: strings.NewReader(password + "\n"), env: p.env})
	return code, out.String()
}

// tokenOf makes a token of a person who is signed in.
func (who *person) tokenOf(role string) tokenCaller {
	who.p.t.Helper()
	made := decode[tokenDoc](who.send(http.MethodPost, "/api/v1/tokens", `{"name":"of a test","role":"`+role+`"}`, "Content-Type", "application/json").want(http.StatusCreated))
	return tokenCaller{p: who.p, token: made.Token}
}

// join makes a user by an invitation and signs them in.
func (who *person) join(name, role string) *person {
	who.p.t.Helper()
	made := decode[userDoc](who.send(http.MethodPost, "/api/v1/users", `{"name":"`+name+`","role":"`+role+`","reason":"joins"}`, "Content-Type", "application/json").want(http.StatusCreated))
	if made.Invitation == nil {
		who.p.t.Fatalf("%s was not invited", name)
	}
	guest := who.p.person(name)
	guest.form("/setup", "token", *made.Invitation, "password", passphrase).want(http.StatusSeeOther)
	return guest
}

type userDoc struct {
	Name, Role        string
	Disabled, Invited bool
	Invitation        *string
}

type tokenDoc struct {
	ID, Name, Role, Owner, Token string
}

type sessionDoc struct {
	ID, User string
	Own      bool
}

// entries are those of the audit of an action, newest first.
func (c tokenCaller) entries(action string) []entryDoc {
	c.p.t.Helper()
	return decode[auditDoc](c.json(http.MethodGet, "/api/v1/audit?action="+action, "").want(http.StatusOK)).Entries
}
