package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"redrive/pipeline"
	"redrive/pipeline/access"
)

// roster knows tokens by the name of their role.
type roster struct{ err error }

func (r roster) Session(_ context.Context, token string, _ bool) (access.Identity, error) {
	return r.who(token)
}

func (r roster) Token(_ context.Context, text string) (access.Identity, error) { return r.who(text) }

func (r roster) who(token string) (access.Identity, error) {
	if r.err != nil {
		return access.Identity{}, r.err
	}
	role, err := access.ParseRole(token)
	if err != nil {
		return access.Identity{}, access.ErrUnknown
	}
	return access.Identity{Name: "somebody", Role: role, Token: "t1"}, nil
}

func (roster) Denied(context.Context, string, error) {}

// A route somebody adds without saying who may use it keeps the program from
// starting, and if it started, nobody would get through.
func TestARouteWithoutARoleIsShut(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Access = roster{}
	s, err := build(c)
	if err != nil {
		t.Fatal(err)
	}
	open := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("forgotten content")) })
	s.console.Method(http.MethodGet, "/api/v1/forgotten", open)
	s.console.Method(http.MethodPost, "/forgotten/{id}", open)
	s.probes.Method(http.MethodGet, "/metrics/forgotten", open)
	if list, err := s.list(); err == nil || list != nil || !strings.Contains(err.Error(), "forgotten") {
		t.Errorf("a route without a role is listed: %v", err)
	}
	for _, access := range []Access{roster{}, nil} {
		s.Access = access
		h := s.outside(http.HandlerFunc(s.dispatch))
		for _, token := range []string{"", "viewer", "operator", "admin"} {
			for method, path := range map[string]string{http.MethodGet: "/api/v1/forgotten", http.MethodHead: "/api/v1/forgotten", http.MethodPost: "/forgotten/x"} {
				pairs := []string{"Authorization", "Bearer " + token}
				if token == "" {
					pairs = nil
				}
				if w := ask(t, h, method, path, "", pairs...); w.Code/100 == 2 || strings.Contains(w.Body.String(), "content") {
					t.Errorf("%s %s as %q: %d %s", method, path, token, w.Code, w.Body)
				}
			}
		}
	}
}

// Every rule is one of a route: a rule for an address that is no more would be
// taken for protection.
func TestRulesAndRoutesAreTheSame(t *testing.T) {
	t.Parallel()
	s, err := build(config(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.list()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(s.gate.rules) || len(list) < 100 {
		t.Errorf("%d routes and %d rules", len(list), len(s.gate.rules))
	}
	open := map[string]bool{}
	for _, r := range list {
		if r.Need == access.Nobody {
			open[r.Method+" "+r.Pattern] = true
		}
	}
	for _, known := range []string{"GET /healthz", "GET /readyz", "POST /ingest/{pipeline}", "POST /ingest/{pipeline}/batch", "GET /login", "POST /login",
		"GET /login/oidc", "GET /login/callback", "GET /setup", "POST /setup", "POST /logout", "GET /static/*"} {
		if !open[known] {
			t.Errorf("%s is shut", known)
		}
		delete(open, known)
	}
	for route := range open {
		t.Errorf("%s is open to everybody; if that is meant, say so here", route)
	}
}

// The store that knows who is who is gone: nobody gets in, whatever they send.
func TestNobodyGetsInWhileNobodyIsKnown(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Access = roster{err: &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the store does not answer",
		Err: errors.New("SELECT data FROM records: disk I/O error at /var/lib/redrive")}}
	h := handler(t, c)
	list, err := mustBuild(t, c).list()
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, r := range list {
		if r.Need == access.Nobody {
			continue
		}
		for _, pairs := range [][]string{{"Authorization", "Bearer admin"}, {"Cookie", "__Host-redrive_session=admin"}} {
			w := ask(t, h, r.Method, fill(r.Pattern), "", pairs...)
			if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "SELECT") || strings.Contains(w.Body.String(), "/var/lib") {
				t.Errorf("%s %s: %d %s", r.Method, r.Pattern, w.Code, w.Body)
			}
			refused++
		}
	}
	if refused < 200 {
		t.Errorf("only %d calls were refused", refused)
	}
}

func mustBuild(t *testing.T, c Config) *site {
	t.Helper()
	s, err := build(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
