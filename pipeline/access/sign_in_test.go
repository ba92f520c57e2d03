package access

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	s.mustAdd(t, "Ann.Okafor", Operator)
	in := s.mustSignIn(t, " ANN.okafor ")
	equal(t, "who", in.Identity.Name+" "+string(in.Identity.Role), "ann.okafor operator")
	e := m.last(t)
	equal(t, "entry", e.Actor+" "+e.Action+" "+e.Object+" "+e.From+" "+e.Result, "ann.okafor login.do users/ann.okafor 10.1.1.1 ok")
	for _, wrong := range []string{"", "Correct horse battery staple", right + " ", right + "\x00", strings.Repeat("x", 1<<20)} {
		_, err := s.SignIn(t.Context(), "ann.okafor", wrong, Client{Address: "10.1.1.2"})
		if code(err) != pipeline.CodeUnknown && code(err) != pipeline.CodeTooMany {
			t.Errorf("%.10q: %v", wrong, err)
		}
	}
	e = m.last(t)
	equal(t, "entry", e.Actor+" "+e.Action, "ann.okafor login.fail")
}

// What is told of a name that does not exist is what is told of a wrong password.
func TestANameThatDoesNotExistIsNotTold(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	s.mustAdd(t, "ann", Operator)
	said := map[string]bool{}
	for _, name := range []string{"ann", "bob", "../x", "<script>", "", right} {
		_, err := s.SignIn(t.Context(), name, "not the pass phrase", Client{Address: "10.0.0." + fmt.Sprint(len(name))})
		said[err.Error()] = true
		if e := m.last(t); strings.Contains(e.Actor+e.Object, right) || strings.Contains(e.Object, "<") {
			t.Errorf("the audit has %q of %q", e.Actor, e.Object)
		}
	}
	equal(t, "different answers", len(said), 1)
}

// One password tried with many names, and many with one.
func TestGuessingIsSlow(t *testing.T) {
	t.Parallel()
	tries := map[string]func(i int) (string, Client){
		"one name from one address":              func(int) (string, Client) { return "ann", Client{Address: "192.0.2.7"} },
		"many names from one address":            func(i int) (string, Client) { return fmt.Sprint("user", i), Client{Address: "192.0.2.7"} },
		"one name from many addresses":           func(i int) (string, Client) { return "ann", Client{Address: fmt.Sprintf("192.0.%d.%d", i/250, i%250)} },
		"one name from one network of version 6": func(i int) (string, Client) { return "ann", Client{Address: fmt.Sprintf("2001:db8::%x", i)} },
	}
	most := map[string]int{"one name from one address": freeTries + 8, "many names from one address": addressTries + 8,
		"one name from many addresses": nameTries + 8, "one name from one network of version 6": freeTries + 8}
	for what, next := range tries {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			th := newThrottle()
			synctest.Test(t, func(t *testing.T) {
				hashed := 0
				for i := range 3600 { // a try a second
					name, c := next(i)
					try := th.try(name, c, nil)
					if _, err := try.allowed(); err == nil {
						hashed++
						_ = try.failed()
					}
					time.Sleep(time.Second)
				}
				if hashed > most[what] || hashed < freeTries {
					t.Errorf("%d passwords were looked at in an hour, at most %d", hashed, most[what])
				}
			})
		})
	}
}

// Whoever guesses does not lock the owner out.
func TestTheOwnerGetsIn(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	s.mustAdd(t, "ann", Operator)
	in := s.mustSignIn(t, "ann")
	guesser := Client{Address: "10.1.1.1"} // behind the same proxy
	u, err := s.user(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if try := s.throttle.try("ann", guesser, u); try.failed() == nil {
			t.Fatal("a failure without a word")
		}
	}
	var e *pipeline.Error
	entries := len(m.entries)
	for range 100 {
		if _, err := s.SignIn(t.Context(), "ann", right, guesser); !errors.As(err, &e) || e.Code != pipeline.CodeTooMany || e.RetryAfter <= 0 {
			t.Fatalf("the guesser: %v", err)
		}
	}
	equal(t, "lines in the audit of one wait", len(m.entries)-entries, 1)
	if _, err := s.SignIn(t.Context(), "ann", right, Client{Address: "10.1.1.1", Device: in.Device}); err != nil {
		t.Errorf("the owner, at the browser of before: %v", err)
	}
	if _, err := s.SignIn(t.Context(), "ann", right, Client{Address: "10.1.1.1", Device: "made up"}); code(err) != pipeline.CodeTooMany {
		t.Errorf("a made up browser: %v", err)
	}
}

func TestTheThrottleForgets(t *testing.T) {
	t.Parallel()
	th := newThrottle()
	for i := range 3 * triesKept {
		_ = th.try(fmt.Sprint(i), Client{Address: fmt.Sprint(i)}, nil).failed()
	}
	if len(th.tries) > triesKept+3 {
		t.Errorf("%d keys are kept", len(th.tries))
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "ann", Admin)
		in := s.mustSignIn(t, "ann")
		equal(t, "fresh after signing in", time.Now().Before(in.Identity.Fresh), true)
		time.Sleep(FreshFor)
		id, err := s.Session(t.Context(), in.Token, true)
		if err != nil || time.Now().Before(id.Fresh) {
			t.Fatalf("fresh until %s, %v", id.Fresh, err)
		}
		if _, err := s.Confirm(t.Context(), in.Token, "wrong pass phrase", Client{}); code(err) != pipeline.CodeUnknown {
			t.Errorf("a wrong password: %v", err)
		}
		if _, err := s.Confirm(t.Context(), "made up", right, Client{}); !errors.Is(err, ErrUnknown) {
			t.Errorf("a made up session: %v", err)
		}
		if id, err = s.Confirm(t.Context(), in.Token, right, Client{}); err != nil || !time.Now().Before(id.Fresh) {
			t.Fatalf("fresh until %s, %v", id.Fresh, err)
		}
		if id, err = s.Session(t.Context(), in.Token, true); err != nil || !time.Now().Before(id.Fresh) {
			t.Errorf("fresh until %s, %v", id.Fresh, err)
		}
		equal(t, "entry", m.last(t).Action, "login.confirm")
	})
}

func TestSomebodyAProviderVouchedFor(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	s.mustAdd(t, "ann", Admin)
	in, err := s.SignInExternal(t.Context(), External{Name: "oidc:ann", Role: Operator}, Client{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "who", s.knows(t, in.Token), "oidc:ann operator")
	if _, err := s.SignIn(t.Context(), "oidc:ann", right, Client{}); code(err) != pipeline.CodeUnknown {
		t.Errorf("with a password: %v", err)
	}
	second, err := s.SignInExternal(t.Context(), External{Name: "oidc:ann", Role: Viewer}, Client{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "with the new role", s.knows(t, second.Token), "oidc:ann viewer")
	equal(t, "with the old one", s.knows(t, in.Token), "nobody")
	if _, err := s.SignInExternal(t.Context(), External{Name: "oidc:ann", Subject: "another", Role: Admin}, Client{}); code(err) != pipeline.CodeForbidden {
		t.Errorf("somebody else who got the name: %v", err)
	}
	admin := Admin
	if _, err := s.ChangeUser(t.Context(), "oidc:ann", UserChange{Role: &admin}); code(err) != pipeline.CodeConflict {
		t.Errorf("another role given here: %v", err)
	}
	off := true
	if _, err := s.ChangeUser(t.Context(), "oidc:ann", UserChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignInExternal(t.Context(), External{Name: "oidc:ann", Role: Admin}, Client{}); code(err) != pipeline.CodeForbidden {
		t.Errorf("disabled: %v", err)
	}
}
