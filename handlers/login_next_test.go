package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"redrive/pipeline/access"
	"redrive/views"
)

// ways are addresses by which a way back would lead out of the console, or into
// a circle.
func ways() []string {
	return []string{
		"//evil.example", `/\evil.example`, `\\evil.example`, `\/evil.example`, "/%5cevil.example", "/%5c%5cevil.example", "/%2f%2fevil.example", "/%2fevil.example",
		"https://evil.example", "https:evil.example", "https:/evil.example", "http:///evil.example", "HTTPS://evil.example/rows", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
		"data:text/html,x", "vbscript:x", "/\t/evil.example", "\t//evil.example", "/\r\n/evil.example", "/rows\r\nLocation: https://evil.example", "/rows%0d%0aSet-Cookie:x=y",
		" //evil.example", "\x00//evil.example", "\u00a0//evil.example", "/\u2028/evil.example", "//evil.example/%2e%2e", "/rows//evil.example", "/.//evil.example", "/..//evil.example",
		"/rows/..//evil.example", "///evil.example", "////evil.example", "//evil.example:80/x", "//user@evil.example", "http://localhost@evil.example", "//localhost:8080.evil.example",
		"evil.example", ".evil.example", "@evil.example", ":80", "?next=//evil.example", "#//evil.example", "/login", "/login?next=/rows", "/login/oidc", "/login/callback?code=x",
		"/logout", "/setup", "/events", "//", "/\\", "\\", "/%", "/%zz", "%", "/rows?q=\x00", strings.Repeat("/a", 5000), "/x\xff", "/％2f／evil.example", "/%e3%80%82",
		"../evil", "/../evil", "/%2e%2e/evil", "/rows/%2e%2e/%2e%2e/evil", "/./../evil", "/rows/../login", "/./login",
	}
}

// lands is where a browser goes with a Location: it drops tabs and line ends,
// and takes a backslash for a slash.
func lands(t *testing.T, location string) *url.URL {
	t.Helper()
	location = strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimLeft(location, "\x00\x01\x1f "))
	to, err := url.Parse(location)
	if err != nil {
		return nil
	}
	return (&url.URL{Scheme: "http", Host: "localhost:8080", Path: "/login"}).ResolveReference(to)
}

// open is a door that lets everybody in.
type openDoor struct{ doorman }

func (openDoor) Empty(context.Context) (bool, error) { return false, nil }

func (openDoor) SignIn(context.Context, string, string, access.Client) (access.SignedIn, error) {
	return access.SignedIn{Token: "t", Device: "d", Ends: time.Now().Add(time.Hour)}, nil
}

func (openDoor) SignInExternal(context.Context, access.External, access.Client) (access.SignedIn, error) {
	return access.SignedIn{Token: "t", Device: "d", Ends: time.Now().Add(time.Hour)}, nil
}

// idp is a provider that vouches for everybody.
type idp struct{}

func (idp) Begin(context.Context, bool) (string, string, error) {
	return "https://id.example/authorize", "f", nil
}

func (idp) Finish(context.Context, string, url.Values) (access.External, error) {
	return access.External{Name: "ada", Role: access.Viewer}, nil
}

// The way back after signing in stays in the console, however it comes: in the
// form, in the address, in the cookie that waits for the provider.
func TestTheWayBackStaysHere(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"/", "/x/"} {
		s := newSite(t, views.Page{Base: base}, stateStub{}, &faultStub{})
		h := NewLogin(openDoor{}, true, idp{}, base, s.shell.Frame)
		ask := func(handle Handler, r *http.Request) string {
			r.Host = "localhost:8080"
			w := httptest.NewRecorder()
			if err := handle(w, r); err != nil {
				t.Errorf("%s: %v", r.URL, err)
			}
			if c := w.Header().Values("Set-Cookie"); strings.Contains(strings.Join(c, " "), "x=y") {
				t.Errorf("%s sets %q", r.URL, c)
			}
			return w.Header().Get("Location")
		}
		n := 0
		for _, way := range append(ways(), "/rows?q=x#y") {
			for _, next := range []string{way, base + strings.TrimPrefix(way, "/")} {
				form := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"name": {"ada"}, "password": {"x"}, "next": {next}}.Encode()))
				form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				known := httptest.NewRequest(http.MethodGet, "/login?"+url.Values{"next": {next}}.Encode(), nil)
				known = known.WithContext(access.WithIdentity(known.Context(), access.Identity{Name: "ada"}))
				back := httptest.NewRequest(http.MethodGet, "/login/callback?code=c", nil)
				back.AddCookie(&http.Cookie{Name: hostPrefix + loginCookie, Value: encode(next) + "." + encode("f")})
				for what, location := range map[string]string{"form": ask(h.SignIn, form), "address": ask(h.Show, known), "cookie": ask(h.Callback, back)} {
					n++
					to := lands(t, location)
					if to == nil || to.Scheme != "http" || to.Host != "localhost:8080" || !strings.HasPrefix(to.Path, base) || strings.ContainsAny(location, "\r\n\t\\") {
						t.Errorf("base %s, %s %q leads to %q", base, what, next, location)
						continue
					}
					switch below := strings.TrimPrefix(to.Path, base); {
					case below == "login", strings.HasPrefix(below, "login/"), below == "logout", below == "setup", below == "events":
						t.Errorf("base %s, %s %q leads in a circle, to %q", base, what, next, location)
					}
				}
			}
		}
		if n < 350 {
			t.Errorf("only %d ways", n)
		}
	}
}

// What is a page of the console is returned to as it was asked for.
func TestTheWayBackIsKept(t *testing.T) {
	t.Parallel()
	h := NewLogin(nil, false, nil, "/x/", nil)
	for _, next := range []string{"/x/", "/x/rows", "/x/rows?q=a%20b&status=dead", "/x/dead-letters?group=abc#plan", "/x/queues/a%2Fb", "/x/loginx"} {
		if got := h.next(next); got != next {
			t.Errorf("%s becomes %s", next, got)
		}
	}
}
