package main

import (
	"testing"
)

// accounts is a program with access control and somebody of each role.
func newAccounts(t *testing.T) (*testProgram, *person) {
	t.Helper()
	p, ann := launchGuarded(t, "environment: {name: staging, colour: orange}", "breakers: {shop: {}}", `notify: [{kind: webhook, url: "${DOWNSTREAM}/pager?key=abc", severities: [page]}]`)
	ann.join("vic", "viewer")
	ann.join("olga.operator@example.com", "operator").tokenOf("operator")
	ann.tokenOf("viewer")
	admin := ann.tokenOf("admin")
	admin.json("POST", "/api/v1/users", `{"name":"new","role":"operator","reason":"joins"}`).want(201)
	admin.json("POST", "/api/v1/users", `{"name":"gone","role":"viewer","password":"`+passphrase+`"}`).want(201)
	admin.json("POST", "/api/v1/users/gone", `{"disabled":true,"reason":"on leave"}`).want(200)
	return p, ann
}

// signIn signs in at the page a person is shown.
func (w *tab) signIn(name, password string) {
	w.t.Helper()
	w.tryPassword(name, password)
	w.sees(".nav-foot .who", name)
	w.wait("the scripts", `document.readyState === "complete" && document.documentElement.dataset.js === "on"`)
}

func (w *tab) tryPassword(name, password string) {
	w.t.Helper()
	w.open("/login")
	w.fill("#name", name)
	w.fill("#password", password)
	w.click("button", "Sign in")
}

// Everything about accounts in both themes, wide and narrow, to a stranger, a
// viewer and an admin.
func accountPages(t *testing.T, b *chromium) {
	p, _ := newAccounts(t)
	w := b.tab(t, p)
	w.inspect("stranger", ok("login", "/login"))
	w.inspect("stranger", ok("login with a way back", "/login?next=/rows%3Fstatus=dead"))
	w.inspect("stranger", ok("setup", "/setup"))
	w.expect("/login")
	w.tryPassword("vic", "wrong pass phrase")
	w.sees("#password-error", "do not match")
	w.inspectHere("stranger", "login refused")
	w.signIn("vic", passphrase)
	w.inspect("viewer", ok("settings", "/settings"))
	w.inspect("viewer", visit{"refused", "/settings/users/ann", 403})
	w.click(".nav-foot button", "Sign out")
	w.goes("/login")

	w.signIn("ann", passphrase)
	w.inspect("admin", ok("settings", "/settings"))
	w.inspect("admin", ok("user", "/settings/users/olga.operator@example.com"))
	w.inspect("admin", ok("user invited", "/settings/users/new"))
	w.inspect("admin", ok("user disabled", "/settings/users/gone"))
	w.confirm()
}

// confirm goes on after a form was held back, which is done here by a password
// that is sent with it and is wrong: five minutes are too long to wait.
func (w *tab) confirm() {
	w.t.Helper()
	w.open("/settings")
	js[bool](w, `[["confirm_password", "wrong"], ["confirm_what", "You are about to add a user."]].every(([name, value]) => {
		const field = document.createElement("input");
		Object.assign(field, {type: "hidden", name, value});
		return document.querySelector("form[action='/settings/users']").append(field) === undefined;
	})`)
	w.fill("#user-name", "dee")
	w.fill("#user-reason", "joins too")
	w.expect("/settings/users")
	w.click("button", "Add the user")
	w.sees("h1", "Is it you?")
	w.sees("#confirm_password-error", "This is not your password")
	w.inspectHere("admin", "confirm")
	w.fill("#confirm_password", passphrase)
	w.click("button", "Confirm and go on")
	w.sees("h1", "dee is invited")
}

// An admin invites somebody, who comes in, makes a token and leaves; the admin
// shuts them out and takes it back.
func accountDrive(t *testing.T, b *chromium) {
	p, ann := launchGuarded(t)
	audit := ann.tokenOf("admin")
	w := b.tab(t, p)
	w.signIn("ann", passphrase)
	w.jumps("g,", "/settings")
	w.fill("#user-name", "bob")
	w.fill("#user-reason", "joins the crew")
	w.click("button", "Add the user")
	w.sees("h1", "bob is invited")
	token := w.text("#secret")
	w.inspectHere("admin", "invitation")
	equal(t, "where to go", w.text("#link"), p.url+"/setup")

	guest := b.tab(t, p)
	guest.open("/setup")
	guest.fill("#token", token)
	guest.fill("#password", passphrase)
	guest.click("button", "Set password and sign in")
	guest.sees(".nav-foot .who", "bob")
	guest.follow("/settings")
	guest.fill("#token-name", "deploys")
	guest.click("button", "Make the token")
	guest.sees("h1", "The token for deploys")
	guest.inspectHere("viewer", "token")
	made := tokenCaller{p, guest.text("#secret")}
	made.json("GET", "/api/v1/overview", "").want(200)

	w.click("a", "I have it, back to the settings")
	w.goes("/settings")
	w.click("a", "Change bob")
	w.goes("/settings/users/bob")
	w.click("summary", "Disable")
	w.fill("#user-disable-reason", "a lost laptop")
	guest.expect("/events") // both are refused from now on
	guest.expect("/settings/tokens")
	w.click("button", "Disable bob")
	w.sees(".flash", "bob is shut out")
	equal(t, "bob's token", made.json("GET", "/api/v1/overview", "").status, 401)
	equal(t, "why", *audit.entries("user.change")[0].Reason, "a lost laptop")
	w.click(".flash button", "Undo")
	w.sees(".flash", "bob may sign in again")
	w.click("summary", "Remove")
	w.fill("#user-remove-reason", "left")
	w.click("button", "Remove bob")
	w.goes("/settings")
	w.sees(".flash", "Removed: bob.")
	w.click(".nav-foot button", "Sign out")
	w.goes("/login")
	w.open("/settings")
	w.goes("/login?next=")
}
