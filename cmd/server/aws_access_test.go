package main

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Users, sessions and tokens are the store's: who signed in at one process is
// known at the others, and who was shut out at one is shut out at all.
func TestAWSProcessesShareUsers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, configuration([]string{step("call")}, withAuth))
	f.join()
	f.join()
	for _, who := range []string{"ann admin", "bob operator"} {
		name, role, _ := strings.Cut(who, " ")
		cmd := f.process(f.write("redrive.yaml", f.onBackend(f.config)), "user", "add", name, "--role", role)
		cmd.Stdin = strings.NewReader(passphrase + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("user add %s: %v, %s", name, err, out)
		}
	}
	one, other := f.members[0].at(), f.members[1].at()
	ann, bob := one.person("ann").signIn(passphrase), one.person("bob").signIn(passphrase)
	token := ann.tokenOf("viewer")
	there := &person{p: other, name: "bob", jar: bob.jar}
	there.get("/api/v1/overview").want(http.StatusOK)
	elsewhere := tokenCaller{p: other, token: token.token}
	elsewhere.json(http.MethodGet, "/api/v1/overview", "").want(http.StatusOK)

	ann.send(http.MethodPost, "/api/v1/users/bob", `{"disabled":true,"reason":"left"}`, "Content-Type", "application/json").want(http.StatusOK)
	began := time.Now()
	bob.get("/api/v1/overview").want(http.StatusUnauthorized)
	eventually(t, "bob at the other process", func() int { return there.get("/api/v1/overview").status }, is(http.StatusUnauthorized))
	if took := time.Since(began); took > seenWithin {
		t.Errorf("a disabled user was known at another process for %s", took)
	}
	away := &person{p: other, name: "ann", jar: maps.Clone(ann.jar)}
	away.get("/api/v1/overview").want(http.StatusOK)
	ann.form("/logout").want(http.StatusSeeOther)
	eventually(t, "ann at the other process", func() int { return away.get("/api/v1/overview").status }, is(http.StatusUnauthorized))
	elsewhere.json(http.MethodGet, "/api/v1/overview", "").want(http.StatusOK) // a token is no session

	entries := elsewhere.entries("user.change")
	if len(entries) != 1 || entries[0].Actor != "ann" || entries[0].Reason == nil || *entries[0].Reason != "left" {
		t.Errorf("the audit has %+v", entries)
	}
	cmd := f.process(f.write("redrive.yaml", f.onBackend(f.config)), "audit", "verify")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "intact") {
		t.Errorf("audit verify: %v, %s", err, out)
	}
}
