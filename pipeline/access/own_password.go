package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"redrive/pipeline"
)

// ChangePassword lets whoever asks choose another password, once they gave the one
// they have. All their sessions end, and one begins for the browser that asked.
func (s *Service) ChangePassword(ctx context.Context, current, next string, c Client) (SignedIn, error) {
	actor := pipeline.ActorFrom(ctx)
	u, err := s.existing(ctx, actor.Name)
	if err != nil {
		return SignedIn{}, err
	}
	if u.Source != Local {
		return SignedIn{}, &pipeline.Error{Code: pipeline.CodeConflict, Text: "you sign in at the identity provider and have no password here"}
	}
	if err := CheckPassword(u.Name, next); err != nil {
		return SignedIn{}, err
	}
	if u, err = s.checked(ctx, u.Name, current, c, "login.confirm"); err != nil {
		return SignedIn{}, ofCurrent(err)
	}
	if normal(current) == normal(next) {
		return SignedIn{}, &pipeline.Error{Code: pipeline.CodeInvalid, Field: "password", Text: "this is the password you have; choose another one"}
	}
	before := u.facts()
	if err := s.apply(ctx, u, UserChange{Password: &next}); err != nil {
		return SignedIn{}, err
	}
	u.Since = time.Now().UTC()
	entry := pipeline.NewEntry(ctx, "user.change", "users/"+u.Name, "", map[string]any{"before": before, "after": u.facts(), "password": "changed"})
	if err := s.put(ctx, entry, u.record()); err != nil {
		return SignedIn{}, err
	}
	if err := s.endAll(ctx, u.Name, ""); err != nil {
		return SignedIn{}, err
	}
	if u, err = s.user(ctx, u.Name); err != nil || u == nil {
		return SignedIn{}, errors.Join(err, errNotThere(u))
	}
	return s.begin(ctx, u, c, "login.do")
}

// ofCurrent makes a refusal speak of the password somebody who is signed in has.
func ofCurrent(err error) error {
	e, ok := errors.AsType[*pipeline.Error](err)
	if !ok || e.Field != "password" {
		return err
	}
	of := *e
	of.Field, of.Text = "current", strings.Replace(e.Text, noMatch, "this is not your password", 1)
	return &of
}
