package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"redrive/handlers/problem"
)

// machine tells whether a path, below the base, is called by programs: they are
// told in JSON what people are told by a page.
func machine(path string) bool {
	return path == "/api" || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/ingest/") || path == "/events" || probe(path)
}

// fail answers an error in the way of its path.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if machine(r.URL.EscapedPath()) || s.Pages.Shell == nil {
		problem.Answer(w, r, s.log, err)
		return
	}
	s.Pages.Shell.Fail(w, r, err)
}

// notFound answers what no route takes: 405 where another method would do, else
// 404. The router itself calls it for both, and for methods it never heard of.
func (s *site) notFound(router *chi.Mux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allowed := methods(router, r.URL.EscapedPath())
		if len(allowed) == 0 {
			s.missing(w, r)
			return
		}
		allow := strings.Join(allowed, ", ")
		w.Header().Set("Allow", allow)
		s.fail(w, r, problem.New(http.StatusMethodNotAllowed, "This address does not take "+problem.Quote(r.Method)+" requests, only "+allow+"."))
	}
}

// missing answers an address where nothing is.
func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, problem.New(http.StatusNotFound, "There is nothing at this address."))
}

// methods are those a path takes.
func methods(router *chi.Mux, path string) []string {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if !router.Match(chi.NewRouteContext(), method, path) {
			continue
		}
		allowed = append(allowed, method)
		if method == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	return allowed
}

// foreign answers a change that another site's page asked for.
func (s *site) foreign(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, problem.New(http.StatusForbidden, "This change was asked for by a page of another site and was not made."))
}

// broken answers after a panic. Headers the handler meant for its own answer go.
func (s *site) broken(w http.ResponseWriter, r *http.Request) {
	for _, name := range []string{"Content-Length", "Content-Disposition", "Content-Encoding", "Content-Type", "Etag", "Last-Modified"} {
		w.Header().Del(name)
	}
	w.Header().Set("Cache-Control", "no-store")
	internal := problem.Of(errors.New("panic"))
	internal.Hidden = nil // logged already
	err := &problem.Error{Problem: internal}
	defer func() {
		if recover() != nil { // the page of the error broke as well
			problem.Write(w, r, internal)
		}
	}()
	s.fail(w, r, err)
}
