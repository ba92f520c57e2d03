package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"redrive/handlers"
	"redrive/handlers/problem"
	"redrive/pipeline"
	"redrive/pipeline/access"
)

// Access knows who is who.
type Access interface {
	Session(ctx context.Context, token string, used bool) (access.Identity, error)
	Token(ctx context.Context, text string) (access.Identity, error)
	Denied(ctx context.Context, object string, why error)
}

// gate is the one place that decides who may use which route. A route that no
// rule names is shut.
type gate struct {
	s     *site
	rules map[string]access.Role // by "METHOD pattern"
}

// routes registers routes that need a role.
type routes struct {
	gate *gate
	mux  chi.Router
	need access.Role
}

func (g *gate) needs(mux chi.Router, need access.Role) routes {
	return routes{gate: g, mux: mux, need: need}
}

func (r routes) Get(pattern string, h http.HandlerFunc)  { r.add(http.MethodGet, pattern, h) }
func (r routes) Post(pattern string, h http.HandlerFunc) { r.add(http.MethodPost, pattern, h) }

func (r routes) add(method, pattern string, h http.HandlerFunc) {
	r.mux.Method(method, pattern, h)
	r.gate.rule(method, pattern, r.need)
}

func (g *gate) rule(method, pattern string, need access.Role) { g.rules[method+" "+pattern] = need }

// caller is what is known of who asks.
type caller struct {
	identity access.Identity
	known    bool
	err      error // why it could not be found out
}

type callerKey struct{}

// identify finds out who asks. A token that is sent counts alone: a request with
// a wrong one is nobody's, whatever cookie came with it.
func (g *gate) identify(next http.Handler) http.Handler {
	if g.s.Access == nil {
		return actor(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := g.caller(r)
		who := pipeline.Actor{Name: access.Anonymous, From: remote(r)}
		ctx := context.WithValue(r.Context(), callerKey{}, c)
		if c.known {
			who.Name, who.Role = c.identity.Name, string(c.identity.Role)
			ctx = access.WithIdentity(ctx, c.identity)
		} else if errors.Is(c.err, access.ErrUnknown) && r.Header.Get("Authorization") == "" {
			handlers.ForgetSession(w, r)
		}
		next.ServeHTTP(w, r.WithContext(pipeline.WithActor(ctx, who)))
	})
}

func (g *gate) caller(r *http.Request) (c caller) {
	if sent := r.Header.Values("Authorization"); len(sent) > 0 {
		scheme, token, _ := strings.Cut(sent[0], " ")
		if c.err = access.ErrUnknown; len(sent) == 1 && strings.EqualFold(scheme, "Bearer") {
			c.identity, c.err = g.s.Access.Token(r.Context(), strings.TrimSpace(token))
		}
		c.known = c.err == nil
		return c
	}
	token := handlers.SessionToken(r)
	if token == "" {
		return c
	}
	c.identity, c.err = g.s.Access.Session(r.Context(), token, !handlers.Background(r))
	c.known = c.err == nil
	return c
}

// permit lets through who has the role of the route.
func (g *gate) permit(router *chi.Mux) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pattern, exists := match(router, r)
			if !exists {
				next.ServeHTTP(w, r) // to be told so
				return
			}
			need, ruled := g.rules[pattern]
			if !ruled {
				g.s.fail(w, r, problem.New(http.StatusForbidden, "Nobody may use this address."))
				return
			}
			if g.s.Access == nil || need == access.Nobody {
				next.ServeHTTP(w, r)
				return
			}
			g.check(w, r, pattern, need, next)
		})
	}
}

func (g *gate) check(w http.ResponseWriter, r *http.Request, pattern string, need access.Role, next http.Handler) {
	c, _ := r.Context().Value(callerKey{}).(caller)
	switch {
	case c.known && c.identity.Role.Allows(need):
		g.watched(w, r, next)
	case c.known:
		err := &pipeline.Error{Code: pipeline.CodeForbidden, Text: "This needs the role " + string(need) + "; " + c.identity.Name + " is " + string(c.identity.Role) + "."}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			g.s.Access.Denied(r.Context(), pattern, err)
		}
		g.s.fail(w, r, err)
	case c.err != nil && !errors.Is(c.err, access.ErrUnknown):
		g.s.fail(w, r, c.err)
	default:
		g.unknown(w, r)
	}
}

// unknown answers who did not say who they are: a program in a sentence, a person
// with the way in.
func (g *gate) unknown(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	if !machine(path) && r.Method == http.MethodGet && !handlers.Background(r) {
		handlers.ToLogin(w, r, g.s.base)
		return
	}
	if machine(path) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="redrive"`)
	}
	g.s.fail(w, r, &pipeline.Error{Code: pipeline.CodeUnknown, Text: "Sign in first, or send a token: Authorization: Bearer <token>."})
}

// watchEvery is how soon an open stream ends after its session did.
const watchEvery = time.Second

// watched passes on a request; one that may go on for long ends when whoever asks
// may no more.
func (g *gate) watched(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !streams(r.URL.Path) {
		next.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c, _ := r.Context().Value(callerKey{}).(caller)
	go func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if now := g.caller(r.WithContext(ctx)); !now.known || now.identity.Role != c.identity.Role {
					cancel()
					return
				}
			}
		}
	}()
	next.ServeHTTP(w, r.WithContext(ctx))
}

// streams tells what goes on for as long as it brings something.
func streams(path string) bool { return path == "/events" || strings.HasSuffix(path, "/export") }

// match finds the route of a request as the router will.
func match(router *chi.Mux, r *http.Request) (pattern string, ok bool) {
	path := r.URL.RawPath
	if path == "" {
		path = r.URL.Path
	}
	method := r.Method
	ctx := chi.NewRouteContext()
	if method == http.MethodHead && !router.Match(ctx, method, path) {
		method, ctx = http.MethodGet, chi.NewRouteContext() // as the router does
	}
	if !router.Match(ctx, method, path) {
		return "", false
	}
	return method + " " + ctx.RoutePattern(), true
}

func remote(r *http.Request) string {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return from
}
