package main

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// types runs a command with something on its standard input.
func (p *testProgram) types(input string, args ...string) (code int, said string) {
	p.t.Helper()
	var out strings.Builder
	code = run(p.t.Context(), append([]string{"--config", p.dir + "/redrive.yaml"}, args...), terminal{in: strings.NewReader(input), out: &out, err: &out, env: p.env})
	return code, out.String()
}

// Nobody can get in until somebody was let in from the terminal, by a password
// that no list of processes shows.
func TestUsersAreAddedFromTheTerminal(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.start(configuration([]string{step("call")}, authLocal))
	h := &house{testProgram: p}
	for _, name := range []string{"admin", "root", "redrive", "local"} {
		for _, password := range []string{"admin", "password", "redrive", "changeme", ""} {
			if a := h.posts(guest{}, "/login", url.Values{"name": {name}, "password": {password}}); a.status/100 != 4 || a.header.Get("Set-Cookie") != "" {
				t.Fatalf("%s with %q answered %d before anybody was made", name, password, a.status)
			}
		}
	}
	for _, tt := range []struct {
		says, input string
		code        int
		args        []string
	}{
		{"unexpected argument", "", exitUnusual, []string{"user", "add", "ada", passphrase, "--role", "admin"}},
		{"unknown flag --password", "", exitUnusual, []string{"user", "add", "ada", "--role", "admin", "--password", passphrase}},
		{"missing flags: --role", passphrase, exitUnusual, []string{"user", "add", "ada"}},
		{"role", passphrase, exitUnusual, []string{"user", "add", "ada", "--role", "root"}},
		{"no password came in", "", exitUnusual, []string{"user", "add", "ada", "--role", "admin"}},
		{"no password came in", "\n" + passphrase, exitUnusual, []string{"user", "add", "ada", "--role", "admin"}},
		{"too short", "short\n", exitUnusual, []string{"user", "add", "ada", "--role", "admin"}},
		{"easy to guess", "password12345\n", exitUnusual, []string{"user", "add", "ada", "--role", "admin"}},
		{"longer than", strings.Repeat("x y ", 1<<18), exitUnusual, []string{"user", "add", "ada", "--role", "admin"}},
		{"cannot be typed", "nul\x00nul\x00nul\x00nul\x00\n", exitUnusual, []string{"user", "add", "ada", "--role", "admin"}},
		{"the name must be", passphrase, exitFailed, []string{"user", "add", "<script>", "--role", "admin"}},
		{"taken by the program", passphrase, exitFailed, []string{"user", "add", "local", "--role", "admin"}},
	} {
		if code, said := p.types(tt.input, tt.args...); code != tt.code || !strings.Contains(said, tt.says) || strings.Contains(said, passphrase) && !strings.Contains(tt.says, "unexpected") {
			t.Errorf("%q: exit code %d, %s; want %d, %q", tt.args, code, said, tt.code, tt.says)
		}
	}
	var codes sync.Map // of two at the same moment one does
	var group sync.WaitGroup
	for _, role := range []string{"admin", "viewer"} {
		group.Go(func() {
			code, said := p.types(passphrase+"\n", "user", "add", "ada", "--role", role)
			codes.Store(code, said)
		})
	}
	group.Wait()
	said, fine := codes.Load(exitFine)
	if _, failed := codes.Load(exitFailed); !fine || !failed {
		t.Fatalf("two who add one user at the same moment: %v", said)
	}
	cookie := h.signIn("ada")
	if a := h.asks(guest{headers: []string{"Cookie", cookie}}, http.MethodGet, "/api/v1/rows", ""); a.status != http.StatusOK {
		t.Errorf("who was added is answered %d", a.status)
	}
}
