package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/pipeline/sqlite"
)

// authLocal is the section that shuts the door.
const authLocal = "auth: {local: true}"

const passphrase = "nine quiet herons over wet slate"

// The cookie of a session as it is called on loopback, where tests are.
const sessionCookie = "__Host-redrive_session"

// guest is one who asks, in one of the ways there are.
type guest struct {
	name    string
	role    access.Role
	headers []string // that say who it is
}

// house is a program behind a door, with a user of each role.
type house struct {
	*testProgram
	doorman *access.Service // beside the program, as another process works
	records pipeline.RecordStore
	guests  []guest // each role by cookie and by token, and nobody
}

// newHouse starts a program with a configuration that has authLocal in it. What
// the test itself asks of the API is asked as an admin.
func newHouse(t *testing.T, config string, amend ...func(*testProgram)) *house {
	t.Helper()
	p := newProgram(t)
	for _, do := range amend {
		do(p)
	}
	p.token = "none" // nobody yet: only the probes are asked
	p.start(config)
	return enrol(p)
}

// enrol makes the users of a program that runs.
func enrol(p *testProgram) *house {
	p.t.Helper()
	db, err := sqlite.OpenBeside(p.t.Context(), sqlite.Config{Path: filepath.Join(p.dir, "data"), Durability: "normal"})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { db.Close() }) //nolint:errcheck // what it wrote is durable
	b := db.Backend()
	h := &house{testProgram: p, records: b.Records, guests: []guest{{name: "nobody"}}}
	if h.doorman, err = access.New(access.Config{Records: b.Records, Audit: b.Audit}); err != nil {
		p.t.Fatal(err)
	}
	for _, role := range access.Roles() {
		h.add(string(role)+"-1", role)
		token := h.tokenOf(string(role)+"-1", role)
		h.guests = append(h.guests,
			guest{name: string(role) + " by cookie", role: role, headers: []string{"Cookie", h.signIn(string(role) + "-1")}},
			guest{name: string(role) + " by token", role: role, headers: []string{"Authorization", "Bearer " + token}})
		p.token = token // the last is the admin's
	}
	return h
}

// as is the first guest of a role: a person.
func (h *house) as(role access.Role) guest {
	for _, c := range h.guests {
		if c.role == role {
			return c
		}
	}
	h.t.Fatalf("nobody is %s", role)
	return guest{}
}

func (h *house) actor(name string, role access.Role) context.Context {
	return pipeline.WithActor(h.t.Context(), pipeline.Actor{Name: name, Role: string(role)})
}

func (h *house) add(name string, role access.Role) {
	h.t.Helper()
	if _, _, err := h.doorman.AddUser(h.actor("local", access.Admin), access.NewUser{Name: name, Password: passphrase, Role: role, Reason: "test"}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) change(name string, c access.UserChange) {
	h.t.Helper()
	if _, err := h.doorman.ChangeUser(h.actor("local", access.Admin), name, c); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) tokenOf(name string, role access.Role) string {
	h.t.Helper()
	_, token, err := h.doorman.CreateToken(h.actor(name, role), access.NewToken{Name: "for the test", Role: role})
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// signIn signs in as a browser does and returns the cookies it keeps.
func (h *house) signIn(name string, headers ...string) string {
	h.t.Helper()
	a := h.asks(guest{}, http.MethodPost, "/login", url.Values{"name": {name}, "password": {passphrase}}.Encode(),
		append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...).want(http.StatusSeeOther)
	return cookiesOf(a)
}

// cookiesOf are the cookies an answer sets, as they are sent back.
func cookiesOf(a answer) string {
	var pairs []string
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// asks sends a request as somebody.
func (h *house) asks(c guest, method, path, body string, headers ...string) answer {
	h.t.Helper()
	all := append([]string{}, headers...)
	all = append(all, c.headers...)
	token := h.token
	defer func() { h.token = token }()
	h.token = ""
	return h.send(method, path, body, all...)
}

// posts sends a form as somebody.
func (h *house) posts(c guest, path string, form url.Values, headers ...string) answer {
	h.t.Helper()
	return h.asks(c, http.MethodPost, path, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// forgotten is the session of somebody who signed in so long ago that a browser
// found open would not be theirs any more.
func (h *house) forgotten(name string) guest {
	h.t.Helper()
	in, err := h.doorman.SignIn(h.t.Context(), name, passphrase, access.Client{Address: "127.0.0.1"})
	if err != nil {
		h.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(in.Token))
	rec, err := h.records.Get(h.t.Context(), "session", hex.EncodeToString(sum[:]))
	if err != nil {
		h.t.Fatal(err)
	}
	session := map[string]any{}
	if err := json.Unmarshal(rec.Data, &session); err != nil || session["fresh"] == nil {
		h.t.Fatalf("the session is not as expected: %v %s", err, rec.Data)
	}
	session["fresh"] = time.Now().Add(-time.Hour)
	if rec.Data, err = json.Marshal(session); err != nil {
		h.t.Fatal(err)
	}
	if err := h.records.Put(h.t.Context(), nil, rec); err != nil {
		h.t.Fatal(err)
	}
	return guest{name: name, headers: []string{"Cookie", sessionCookie + "=" + in.Token}}
}

// form are the fields of a form as a page has it, with what is typed over them.
func (a answer) form(action string, typed url.Values, attributes ...string) url.Values {
	a.t.Helper()
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	css := `form[action="` + action + `"]`
	for _, attribute := range attributes {
		css += "[" + attribute + "]"
	}
	form := doc.Find(css)
	if form.Length() != 1 {
		a.t.Fatalf("%s: %d forms go to %s", a.call, form.Length(), action)
	}
	fields := url.Values{}
	form.Find("input[type=hidden]").Each(func(_ int, in *goquery.Selection) {
		fields.Add(in.AttrOr("name", ""), in.AttrOr("value", ""))
	})
	for name, values := range typed {
		fields[name] = values
	}
	return fields
}
