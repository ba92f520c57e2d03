package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"redrive/handlers/problem"
	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/views"
)

// Confirmer takes the password again from somebody who is signed in.
type Confirmer interface {
	Confirm(ctx context.Context, token, password string, c access.Client) (access.Identity, error)
}

const (
	confirmField = "confirm_password"
	confirmWhat  = "confirm_what"
)

// confirmed takes the password that came with a form which was held back, and
// passes the form on as it was.
func (s *Shell) confirmed(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if s.Confirm == nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return r, nil
	}
	f, err := readForm(w, r)
	if err != nil || !f.values.Has(confirmField) {
		return r, err
	}
	if SessionToken(r) == "" {
		return r, nil // nobody to confirm: a field of this name means nothing
	}
	id, err := s.Confirm.Confirm(r.Context(), SessionToken(r), f.values.Get(confirmField), clientOf(r))
	if errors.Is(err, access.ErrUnknown) {
		return r, &pipeline.Error{Code: pipeline.CodeUnknown, Text: "your session has ended meanwhile; sign in again, nothing was done"}
	}
	if no, ok := turnedAway(w, err); ok {
		return r, &notConfirmed{text: no.Text, status: no.Status, what: f.values.Get(confirmWhat)}
	}
	f.values.Del(confirmField)
	f.values.Del(confirmWhat)
	return r.WithContext(access.WithIdentity(r.Context(), id)), err
}

// notConfirmed is a password that was not right.
type notConfirmed struct {
	text, what string
	status     int
}

func (e *notConfirmed) Error() string { return e.text }

// confirm shows the page that holds a form back.
func (s *Shell) confirm(w http.ResponseWriter, r *http.Request, stale *access.StaleError, text string, status int) {
	id, _ := access.From(r.Context())
	p := views.ConfirmProps{Page: s.Frame(r, "", "Is it you?"), What: stale.What, Again: s.Base + string(pathOf(r)), Error: text,
		Local: id.Source == access.Local, Back: templ.SafeURL(s.Base)}
	if s.Login != nil {
		p.Provider, p.Back = templ.SafeURL(s.Login.again(r)), templ.SafeURL(s.Login.next(referer(r)))
	}
	p.Fields = append(hidden(r.PostForm), views.Hidden{Name: confirmWhat, Value: stale.What})
	if err := render(w, r, status, views.ConfirmPage(p)); err != nil {
		problem.Log(r, s.Log, problem.Problem{Status: http.StatusInternalServerError, Hidden: err})
	}
}

// hidden are the fields of a form, to be sent once more.
func hidden(form map[string][]string) []views.Hidden {
	var fields []views.Hidden
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == confirmField || name == confirmWhat {
			continue
		}
		for _, value := range form[name] {
			fields = append(fields, views.Hidden{Name: name, Value: value})
		}
	}
	return fields
}

// retryIn tells when it is worth another try.
func retryIn(w http.ResponseWriter, e *pipeline.Error) {
	problem.SetRetryAfter(w, problem.Problem{RetryAfter: e.RetryAfter})
}
