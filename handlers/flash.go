package handlers

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"redrive/views"
)

// flashCookie carries what a form did over the redirect to the next page.
const flashCookie = "redrive_flash"

// flashBytes keeps the cookie within what browsers store.
const flashBytes = 1500

func flashOf(text string, ok bool) views.Flash { return views.Flash{Text: text, OK: ok} }

// redirectFlash is redirect with a way back in the flash: "Undo".
func redirectFlash[S ~string](w http.ResponseWriter, r *http.Request, to S, f views.Flash) error {
	if len(f.Text) > flashBytes {
		f.Text = strings.ToValidUTF8(f.Text[:flashBytes], "") + "…"
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(raw),
		Path: baseOf(r), MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, string(to), http.StatusSeeOther)
	return nil
}

// flashFrom reads the flash of a request. A cookie is the client's word: an
// action that leads out of the console is left out.
func flashFrom(r *http.Request) *views.Flash {
	if background(r) {
		return nil
	}
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	var f views.Flash
	if json.Unmarshal(raw, &f) != nil || f.Text == "" {
		return nil
	}
	if f.Action != nil && !inside(baseOf(r), string(f.Action.Href)) {
		f.Action = nil
	}
	return &f
}

func forgetFlash(w http.ResponseWriter, r *http.Request) {
	if _, err := r.Cookie(flashCookie); err != nil || background(r) {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: baseOf(r), MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// background tells a page that reads itself again from one a person opened.
func background(r *http.Request) bool { return r.Header.Get("Redrive-Live") != "" }

// inside tells whether an address lies in the console, so that neither a script
// nor another host can hide in it.
func inside(base, href string) bool {
	rest, ok := strings.CutPrefix(href, base)
	return ok && !strings.HasPrefix(rest, "/") && !strings.ContainsAny(href, "\\\t\r\n")
}
