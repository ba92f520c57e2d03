package handlers

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"redrive/views"
)

// shown is a page that shows nothing but its frame.
func shown(s *site) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return render(w, r, http.StatusOK, views.Layout(s.shell.Frame(r, views.SectionRows, "Rows")))
	}
}

func TestFlashIsShownOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{Base: "/console/"}, stateStub{}, noFaults{})
	s.route("GET /rows", shown(s))
	s.route("POST /rows", func(w http.ResponseWriter, r *http.Request) error {
		return redirectFlash(w, r, views.Href(baseOf(r), "rows"), views.Flash{OK: true, Text: "Discarded " + evil,
			Action: &views.Action{Label: "Undo", Href: "/console/rows/1/restore", Post: true, Fields: []views.Hidden{{Name: "reason", Value: "undo"}}}})
	})
	_, w := s.post(t, "/rows", http.StatusSeeOther)
	if got := w.Header().Get("Location"); got != "/console/rows" {
		t.Errorf("Location %q", got)
	}
	cookie := w.Result().Cookies()[0]
	if cookie.Path != "/console/" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %+v", cookie)
	}

	again := httptest.NewRequest(http.MethodGet, "/rows", nil)
	again.AddCookie(cookie)
	again.Header.Set("Redrive-Live", "banners")
	doc, w := s.do(t, again, http.StatusOK)
	if doc.Find(".flash").Length() != 0 || len(w.Result().Cookies()) != 0 {
		t.Error("a reading in the background used up the flash")
	}

	first := httptest.NewRequest(http.MethodGet, "/rows", nil)
	first.AddCookie(cookie)
	doc, w = s.do(t, first, http.StatusOK)
	shows(t, doc.Find(".flash"), "Discarded "+evil, "Undo")
	if action := doc.Find(".flash form").AttrOr("action", ""); action != "/console/rows/1/restore" {
		t.Errorf("undo leads to %q", action)
	}
	if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 {
		t.Errorf("the flash stays: %+v", gone)
	}
}

func TestFlashTrustsNoCookie(t *testing.T) {
	t.Parallel()
	s := newSite(t, views.Page{}, stateStub{}, noFaults{})
	s.route("GET /rows", shown(s))
	for _, href := range []string{"javascript:alert(1)", "//evil.example/x", "https://evil.example", `/\evil.example`, "rows"} {
		r := httptest.NewRequest(http.MethodGet, "/rows", nil)
		r.AddCookie(&http.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString([]byte(`{"OK":true,"Text":"hello","Action":{"Label":"go","Href":"` + href + `"}}`))})
		doc, _ := s.do(t, r, http.StatusOK)
		if n := doc.Find(".flash a, .flash form").Length(); n != 0 {
			t.Errorf("%q became an action", href)
		}
	}
	for _, value := range []string{"", "%%%", "bm9uc2Vuc2U", "e30"} {
		r := httptest.NewRequest(http.MethodGet, "/rows", nil)
		r.AddCookie(&http.Cookie{Name: flashCookie, Value: value})
		doc, _ := s.do(t, r, http.StatusOK)
		if doc.Find(".flash").Length() != 0 {
			t.Errorf("cookie %q became a flash", value)
		}
	}
}
