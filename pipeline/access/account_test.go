package access

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

// as is a context in which somebody acts who is signed in.
func as(ctx context.Context, in SignedIn) context.Context {
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: in.Identity.Name, Role: string(in.Identity.Role)})
	return WithIdentity(ctx, in.Identity)
}

const another = "a wholly different pass phrase"

func TestWhoChangesTheirPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "ann", Operator)
		time.Sleep(time.Second)
		here, there := s.mustSignIn(t, "ann"), s.mustSignIn(t, "ann")
		time.Sleep(time.Second)
		ctx := as(t.Context(), here)
		for what, tt := range map[string]struct {
			current, next, field string
			code                 pipeline.Code
		}{
			"a wrong one":    {"wrong pass phrase", another, "current", pipeline.CodeUnknown},
			"a short one":    {right, "short", "password", pipeline.CodeInvalid},
			"the same again": {right, right, "password", pipeline.CodeInvalid},
		} {
			_, err := s.ChangePassword(ctx, tt.current, tt.next, Client{})
			if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Field != tt.field || e.Code != tt.code {
				t.Errorf("%s: %v", what, err)
			}
		}
		equal(t, "here, before", s.knows(t, here.Token), "ann operator")
		again, err := s.ChangePassword(ctx, right, another, Client{Address: "10.1.1.1"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "the new session", s.knows(t, again.Token), "ann operator")
		for what, token := range map[string]string{"here": here.Token, "there": there.Token} {
			equal(t, what, s.knows(t, token), "nobody")
		}
		if _, err := s.SignIn(t.Context(), "ann", right, Client{}); code(err) != pipeline.CodeUnknown {
			t.Errorf("with the old one: %v", err)
		}
		if _, err := s.SignIn(t.Context(), "ann", another, Client{}); err != nil {
			t.Errorf("with the new one: %v", err)
		}
		var said []string
		for _, e := range m.entries {
			if e.Action == "user.change" {
				said = append(said, e.Actor+" "+e.Object+" "+string(e.Detail))
			}
			if strings.Contains(string(e.Detail), another) || strings.Contains(string(e.Detail), right) {
				t.Errorf("the audit has a password: %s", e.Detail)
			}
		}
		if len(said) != 1 || !strings.Contains(said[0], "ann users/ann") || !strings.Contains(said[0], `"password":"changed"`) {
			t.Errorf("the audit says %q", said)
		}
	})
}

// An invitation counts until the next one, until there is a password, and for the
// user it was made for, not for a later one of the name.
func TestAnInvitationThatCountsNoMore(t *testing.T) {
	t.Parallel()
	for what, then := range map[string]func(context.Context, *Service) error{
		"another was made": func(ctx context.Context, s *Service) error { _, _, err := s.Invite(ctx, "bob", ""); return err },
		"a password was set": func(ctx context.Context, s *Service) error {
			password := right
			_, err := s.ChangeUser(ctx, "bob", UserChange{Password: &password})
			return err
		},
		"the user is another": func(ctx context.Context, s *Service) error {
			gone := s.RemoveUser(ctx, "bob", "")
			_, _, err := s.AddUser(ctx, NewUser{Name: "bob", Role: Admin, Password: right})
			return errors.Join(gone, err)
		},
		"the user was removed": func(ctx context.Context, s *Service) error { return s.RemoveUser(ctx, "bob", "") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, m := newTest(t)
			s.mustAdd(t, "ann", Admin)
			_, token, err := s.AddUser(t.Context(), NewUser{Name: "bob", Role: Operator})
			if err != nil {
				t.Fatal(err)
			}
			if err := then(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Accept(t.Context(), token, "bob", another, Client{}); code(err) != pipeline.CodeInvalid {
				t.Errorf("it let somebody in: %v", err)
			}
			equal(t, "entry", m.last(t).Action, "login.fail")
		})
	}
}

func TestWhoForgotThePassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "ann", Admin)
		s.mustAdd(t, "bob", Operator)
		time.Sleep(time.Second)
		in := s.mustSignIn(t, "bob")
		u, token, err := s.Invite(t.Context(), "bob", "forgot it")
		if err != nil || !u.Invited || token == "" {
			t.Fatal(u, token, err)
		}
		equal(t, "entry", m.last(t).Action+" "+m.last(t).Reason, "user.invite forgot it")
		equal(t, "the session", s.knows(t, in.Token), "nobody")
		if _, err := s.SignIn(t.Context(), "bob", right, Client{}); code(err) != pipeline.CodeUnknown {
			t.Errorf("with the old password: %v", err)
		}
		role := Viewer
		if _, err := s.ChangeUser(t.Context(), "bob", UserChange{Role: &role}); err != nil { // it still counts
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		in, err = s.Accept(t.Context(), token, "", another, Client{})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "who", s.knows(t, in.Token), "bob viewer")
		if _, _, err := s.Invite(t.Context(), "ann", ""); code(err) != pipeline.CodeConflict {
			t.Errorf("the only admin: %v", err)
		}
	})
}

func TestADisabledUserAcceptsNothing(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	s.mustAdd(t, "ann", Admin)
	_, token, _ := s.AddUser(t.Context(), NewUser{Name: "bob", Role: Operator})
	off := true
	if _, err := s.ChangeUser(t.Context(), "bob", UserChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accept(t.Context(), token, "", right, Client{}); code(err) != pipeline.CodeForbidden {
		t.Error(err)
	}
}

// A token is its owner's, and not somebody's who has the name later.
func TestATokenEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "ann", Admin)
		s.mustAdd(t, "bob", Admin)
		ctx := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "bob", Role: "admin"})
		kept, text, err := s.CreateToken(ctx, NewToken{Name: "x", Role: Admin})
		if err != nil {
			t.Fatal(err)
		}
		left := m.records[kindToken+"/"+kept.ID] // as a process that ended in between leaves it
		if err := s.RemoveUser(t.Context(), "bob", ""); err != nil {
			t.Fatal(err)
		}
		equal(t, "tokens of one who is gone", len(m.records[kindToken+"/"+kept.ID].Data), 0)
		m.records[kindToken+"/"+kept.ID] = left
		time.Sleep(time.Second)
		s.mustAdd(t, "bob", Admin)
		if _, err := s.Token(t.Context(), text); !errors.Is(err, ErrUnknown) {
			t.Errorf("a token of the bob before: %v", err)
		}
	})
}

func TestWhoEndsTheirOtherSessions(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	s.mustAdd(t, "ann", Viewer)
	s.mustAdd(t, "bob", Viewer)
	here, there, bob := s.mustSignIn(t, "ann"), s.mustSignIn(t, "ann"), s.mustSignIn(t, "bob")
	ctx := as(t.Context(), here)
	list, err := s.Sessions(ctx, "ann")
	if err != nil || len(list) != 2 || list[0].Own == list[1].Own {
		t.Fatalf("%+v, %v", list, err)
	}
	n, err := s.EndOthers(ctx, "")
	if err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	equal(t, "here", s.knows(t, here.Token), "ann viewer")
	equal(t, "there", s.knows(t, there.Token), "nobody")
	equal(t, "bob", s.knows(t, bob.Token), "bob viewer")
}

func TestNoPasswordsBesideAProvider(t *testing.T) {
	t.Parallel()
	_, m := newTest(t)
	s, err := New(Config{Records: m, Audit: m, Provider: true, External: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.AddUser(t.Context(), NewUser{Name: "ann", Role: Viewer}); code(err) != pipeline.CodeConflict {
		t.Error(err)
	}
	if _, err := s.SignInExternal(t.Context(), External{Name: "oidc:ann", Role: Viewer}, Client{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Invite(t.Context(), "oidc:ann", ""); code(err) != pipeline.CodeConflict {
		t.Error(err)
	}
}
