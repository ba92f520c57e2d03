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

func TestASessionEndsWhenItMust(t *testing.T) {
	t.Parallel()
	disabled, viewer, other := true, Viewer, "a wholly different pass phrase"
	for what, end := range map[string]func(context.Context, *Service, SignedIn) error{
		"signed out": func(ctx context.Context, s *Service, in SignedIn) error { return s.SignOut(ctx, in.Token) },
		"ended by an admin": func(ctx context.Context, s *Service, in SignedIn) error {
			return s.EndSession(ctx, "", in.Identity.Session, "")
		},
		"user disabled": func(ctx context.Context, s *Service, _ SignedIn) error {
			_, err := s.ChangeUser(ctx, "ann", UserChange{Disabled: &disabled})
			return err
		},
		"role changed": func(ctx context.Context, s *Service, _ SignedIn) error {
			_, err := s.ChangeUser(ctx, "ann", UserChange{Role: &viewer})
			return err
		},
		"password changed": func(ctx context.Context, s *Service, _ SignedIn) error {
			_, err := s.ChangeUser(ctx, "ann", UserChange{Password: &other})
			return err
		},
		"user removed":         func(ctx context.Context, s *Service, _ SignedIn) error { return s.RemoveUser(ctx, "ann", "") },
		"not used for so long": func(context.Context, *Service, SignedIn) error { time.Sleep(DefaultIdle + time.Second); return nil },
		"used for too long": func(ctx context.Context, s *Service, in SignedIn) error {
			for range 24 * 2 {
				time.Sleep(DefaultIdle / 2)
				_, _ = s.Session(ctx, in.Token, true)
			}
			return nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, m := newTest(t)
				s.mustAdd(t, "root", Admin)
				s.mustAdd(t, "ann", Operator)
				there := reopened(t, m)
				time.Sleep(time.Second)
				in := s.mustSignIn(t, "ann")
				time.Sleep(time.Second)
				equal(t, "here", s.knows(t, in.Token), "ann operator")
				equal(t, "at another process", there.knows(t, in.Token), "ann operator")
				if err := end(t.Context(), s, in); err != nil {
					t.Fatal(err)
				}
				equal(t, "here, at once", s.knows(t, in.Token), "nobody")
				time.Sleep(cacheFor)
				equal(t, "at another process, within a second", there.knows(t, in.Token), "nobody")
			})
		})
	}
}

func TestASessionThatIsUsedGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTest(t)
		s.mustAdd(t, "ann", Viewer)
		in := s.mustSignIn(t, "ann")
		for range 10 {
			time.Sleep(DefaultIdle - time.Minute)
			equal(t, "while it is used", s.knows(t, in.Token), "ann viewer")
			time.Sleep(time.Second)
		}
		for range 6 { // a page that reads itself again is no person
			time.Sleep(DefaultIdle / 5)
			_, _ = s.Session(t.Context(), in.Token, false)
		}
		equal(t, "after nobody was there", s.knows(t, in.Token), "nobody")
	})
}

func TestNothingKeptLetsAnybodyIn(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	s.mustAdd(t, "ann", Admin)
	in := s.mustSignIn(t, "ann")
	setup, _ := reopened(t, &memory{records: m.records}).Setup(t.Context())
	ctx := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ann", Role: "admin"})
	_, token, err := s.CreateToken(ctx, NewToken{Name: "deploys", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	_, invitation, err := s.AddUser(ctx, NewUser{Name: "bob", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "a setup token once there is a user", setup, "")
	_, secret, _ := strings.Cut(strings.TrimPrefix(token, tokenPrefix), "_")
	for _, rec := range m.records {
		for what, text := range map[string]string{"the password": right, "a session": in.Token, "a device": in.Device, "a token": secret, "an invitation": invitation} {
			if strings.Contains(string(rec.Data)+rec.ID, text) {
				t.Errorf("%s/%s has %s in it", rec.Kind, rec.ID, what)
			}
		}
		if _, err := s.Session(t.Context(), rec.ID, true); !errors.Is(err, ErrUnknown) {
			t.Errorf("what is kept of %s/%s lets somebody in", rec.Kind, rec.ID)
		}
	}
}

func TestAStoreThatIsAwayLetsNobodyIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "ann", Admin)
		in := s.mustSignIn(t, "ann")
		time.Sleep(time.Second)
		m.away = true
		if id, err := s.Session(t.Context(), in.Token, true); err == nil || errors.Is(err, ErrUnknown) || id.Name != "" {
			t.Errorf("%+v, %v", id, err)
		}
		if _, err := s.SignIn(t.Context(), "ann", right, Client{}); err == nil {
			t.Error("somebody signed in")
		}
	})
}

func TestGarbageIsNobody(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	for _, text := range []string{"", "x", strings.Repeat("a", 1<<16), "\x00\xff", "rdv_", "rdv__", "rdv_a_b_c", "rdv_../x_y", "rdv_" + strings.Repeat("x", 100) + "_y"} {
		if _, err := s.Session(t.Context(), text, true); !errors.Is(err, ErrUnknown) {
			t.Errorf("session %.20q: %v", text, err)
		}
		if _, err := s.Token(t.Context(), text); !errors.Is(err, ErrUnknown) {
			t.Errorf("token %.20q: %v", text, err)
		}
	}
}

func TestAPageCostsOneReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "ann", Admin)
		in := s.mustSignIn(t, "ann")
		before := m.gets
		for range 50 {
			s.knows(t, in.Token)
		}
		equal(t, "readings", m.gets-before, 2) // the session and its user
	})
}
