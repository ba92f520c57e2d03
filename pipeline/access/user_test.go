package access

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline"
)

func TestPasswordsThatAreNotGoodEnough(t *testing.T) {
	t.Parallel()
	for password, why := range map[string]string{
		"":                                     "too short",
		"short":                                "too short",
		"elevenchars":                          "too short",
		strings.Repeat("é", 129):               "longer",
		strings.Repeat("a", 1<<20):             "longer",
		"passwordpassword":                     "easy to guess",
		"123456789012":                         "easy to guess",
		"qwertyuiop123":                        "easy to guess",
		"aaaaaaaaaaaaaaaa":                     "easy to guess",
		"ann.okafor123":                        "easy to guess",
		"redriveredrive":                       "easy to guess",
		"nul\x00nul\x00nul\x00nul":             "cannot be typed",
		"tab\ttab\ttab\ttab":                   "cannot be typed",
		"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff": "cannot be typed",
	} {
		if got := weakness("ann.okafor", password); !strings.Contains(got, why) {
			t.Errorf("%.20q: %q, want %q", password, got, why)
		}
	}
	for _, password := range []string{right, "gelbe Birnen im März", "正しい馬電池ホッチキス留め", strings.Repeat("x7 kEq", 21)} {
		if got := weakness("ann", password); got != "" {
			t.Errorf("%q: %s", password, got)
		}
	}
}

// The same characters in another form are the same password.
func TestAPasswordTypedOnAnotherKeyboard(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	if _, _, err := s.AddUser(t.Context(), NewUser{Name: "ann", Password: "gelbe Birnen im M\u00e4rz", Role: Admin}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignIn(t.Context(), "ann", "gelbe Birnen im Ma\u0308rz", Client{}); err != nil {
		t.Error(err)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	for _, name := range []string{"", " ", "a b", "../x", "a/b", "<b>", "oidc:ann", "local", "redrive", "Redrive", "-x", strings.Repeat("a", 64), "аnn"} {
		if _, _, err := s.AddUser(t.Context(), NewUser{Name: name, Password: right, Role: Viewer}); code(err) != pipeline.CodeInvalid {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, role := range []Role{"", "root", "Admin", "viewer "} {
		if _, _, err := s.AddUser(t.Context(), NewUser{Name: "ann", Password: right, Role: role}); code(err) != pipeline.CodeInvalid {
			t.Errorf("role %q: %v", role, err)
		}
	}
}

func TestOfTwoWhoAddOneUserOneDoes(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, _, errs[i] = s.AddUser(t.Context(), NewUser{Name: "ann", Password: right, Role: Viewer}) })
	}
	all.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if code(err) != pipeline.CodeConflict && code(err) != pipeline.CodeTooMany {
			t.Error(err)
		}
	}
	equal(t, "added", done, 1)
	if users, err := s.Users(t.Context()); err != nil || len(users) != 1 {
		t.Errorf("%+v, %v", users, err)
	}
	if len(m.entries) == 0 {
		t.Error("nothing in the audit")
	}
}

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	s.mustAdd(t, "ann", Admin)
	s.mustAdd(t, "bob", Operator)
	if _, _, err := s.AddUser(t.Context(), NewUser{Name: "cho", Role: Admin}); err != nil { // invited: cannot get in yet
		t.Fatal(err)
	}
	off, viewer := true, Viewer
	for what, do := range map[string]func() error{
		"removed":  func() error { return s.RemoveUser(t.Context(), "ann", "") },
		"disabled": func() error { _, err := s.ChangeUser(t.Context(), "ann", UserChange{Disabled: &off}); return err },
		"demoted":  func() error { _, err := s.ChangeUser(t.Context(), "ann", UserChange{Role: &viewer}); return err },
	} {
		if err := do(); code(err) != pipeline.CodeConflict {
			t.Errorf("%s: %v", what, err)
		}
		if e := m.last(t); !strings.Contains(e.Result, "only admin") {
			t.Errorf("%s: the audit says %q", what, e.Result)
		}
	}
	s.mustAdd(t, "dee", Admin)
	if err := s.RemoveUser(t.Context(), "ann", "left"); err != nil {
		t.Error(err)
	}
}

// meeting lets nobody write before all have read the users.
type meeting struct {
	*memory
	read sync.WaitGroup
}

func (m *meeting) List(ctx context.Context, kind, cursor string, limit int) (pipeline.Page[pipeline.Record], error) {
	page, err := m.memory.List(ctx, kind, cursor, limit)
	if kind == kindUser {
		m.read.Done()
		m.read.Wait()
	}
	return page, err
}

func TestAdminsWhoRemoveEachOther(t *testing.T) {
	t.Parallel()
	s, m := newTest(t)
	s.mustAdd(t, "ann", Admin)
	s.mustAdd(t, "bob", Admin)
	both := &meeting{memory: m}
	both.read.Add(2)
	other := reopened(t, m)
	s.records, other.records = both, both
	viewer := Viewer
	removed := make(chan error)
	go func() { removed <- s.RemoveUser(t.Context(), "bob", "has to go") }()
	_, err := other.ChangeUser(t.Context(), "ann", UserChange{Role: &viewer, Reason: "has to go"})
	gone := <-removed
	if (err == nil) == (gone == nil) || code(errors.Join(err, gone)) != pipeline.CodeConflict {
		t.Errorf("removing the one ended with %v, demoting the other with %v", gone, err)
	}
	if _, err := reopened(t, m).keepsAdmin(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
}

func TestTheFirstAdmin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		one, _ := s.Setup(t.Context())
		two, err := reopened(t, m).Setup(t.Context())
		if err != nil || one == "" || two == "" || one == two {
			t.Fatalf("%q %q %v", one, two, err)
		}
		if _, err := s.Accept(t.Context(), "made up", "eve", right, Client{}); code(err) != pipeline.CodeInvalid {
			t.Errorf("a made up token: %v", err)
		}
		if _, err := s.Accept(t.Context(), one, "ann", "short", Client{}); code(err) != pipeline.CodeInvalid {
			t.Errorf("a short password: %v", err)
		}
		in, err := s.Accept(t.Context(), one, "ann", right, Client{Address: "10.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "who", s.knows(t, in.Token), "ann admin")
		for what, token := range map[string]string{"the same": one, "another process's": two} {
			if _, err := s.Accept(t.Context(), token, "eve", right, Client{}); code(err) != pipeline.CodeInvalid {
				t.Errorf("%s token afterwards: %v", what, err)
			}
		}
		if again, err := s.Setup(t.Context()); err != nil || again != "" {
			t.Errorf("%q, %v", again, err)
		}
	})
}

func TestASetupTokenIsOldAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTest(t)
		token, _ := s.Setup(t.Context())
		time.Sleep(setupFor)
		if _, err := s.Accept(t.Context(), token, "ann", right, Client{}); code(err) != pipeline.CodeInvalid {
			t.Error(err)
		}
	})
}

func TestAnInvitation(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	s.mustAdd(t, "ann", Admin)
	u, token, err := s.AddUser(t.Context(), NewUser{Name: "bob", Role: Operator})
	if err != nil || !u.Invited || token == "" {
		t.Fatal(u, token, err)
	}
	if _, err := s.SignIn(t.Context(), "bob", "", Client{}); code(err) != pipeline.CodeUnknown {
		t.Errorf("without a password: %v", err)
	}
	if _, err := s.Accept(t.Context(), token, "ann", right, Client{}); code(err) != pipeline.CodeInvalid {
		t.Errorf("for somebody else: %v", err)
	}
	in, err := s.Accept(t.Context(), token, "", right, Client{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "who", s.knows(t, in.Token), "bob operator")
	if _, err := s.Accept(t.Context(), token, "", right+"!", Client{}); code(err) != pipeline.CodeInvalid {
		t.Errorf("twice: %v", err)
	}
}

func TestTokensOfPrograms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, m := newTest(t)
		s.mustAdd(t, "root", Admin)
		s.mustAdd(t, "ann", Operator)
		ann := pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ann", Role: "operator"})
		if _, _, err := s.CreateToken(ann, NewToken{Name: "x", Role: Admin}); code(err) != pipeline.CodeForbidden {
			t.Errorf("more than its owner: %v", err)
		}
		for what, n := range map[string]NewToken{"no name": {Role: Viewer}, "no role": {Name: "x"}, "the past": {Name: "x", Role: Viewer, ExpiresAt: time.Now()},
			"for ever": {Name: "x", Role: Viewer, ExpiresAt: time.Now().AddDate(5, 0, 0)}} {
			if _, _, err := s.CreateToken(ann, n); code(err) != pipeline.CodeInvalid {
				t.Errorf("%s: %v", what, err)
			}
		}
		kept, text, err := s.CreateToken(ann, NewToken{Name: "deploys", Role: Operator, ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		who := func() string {
			time.Sleep(time.Second) // another process may have changed it
			id, err := s.Token(t.Context(), text)
			if errors.Is(err, ErrUnknown) {
				return "nobody"
			}
			return id.Name + " " + string(id.Role)
		}
		equal(t, "who", who(), "ann operator")
		if _, err := s.Token(t.Context(), text+"x"); !errors.Is(err, ErrUnknown) {
			t.Errorf("one letter more: %v", err)
		}
		self, err := s.Token(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.CreateToken(WithIdentity(ann, self), NewToken{Name: "child", Role: Viewer}); code(err) != pipeline.CodeForbidden {
			t.Errorf("a token that outlives the one it is made with: %v", err)
		}
		if _, _, err := s.CreateToken(WithIdentity(ann, self), NewToken{Name: "child", Role: Viewer, ExpiresAt: self.Ends}); err != nil {
			t.Errorf("a token that does not: %v", err)
		}
		viewer, off, on := Viewer, true, false
		change := func(c UserChange) {
			if _, err := s.ChangeUser(t.Context(), "ann", c); err != nil {
				t.Fatal(err)
			}
		}
		change(UserChange{Role: &viewer})
		equal(t, "after its owner may less", who(), "ann viewer")
		change(UserChange{Disabled: &off})
		equal(t, "after its owner is disabled", who(), "nobody")
		change(UserChange{Disabled: &on})
		equal(t, "and enabled again", who(), "ann viewer")
		if list, err := s.Tokens(t.Context(), "ann"); err != nil || len(list) != 2 || list[0].UsedAt.IsZero() && list[1].UsedAt.IsZero() {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := s.RevokeToken(t.Context(), "bob", kept.ID, ""); code(err) != pipeline.CodeNotFound {
			t.Errorf("revoked by somebody else: %v", err)
		}
		if _, err := s.RevokeToken(t.Context(), "ann", kept.ID, "leaked"); err != nil {
			t.Fatal(err)
		}
		equal(t, "revoked", who(), "nobody")
		equal(t, "entry", m.last(t).Action+" "+m.last(t).Reason, "token.revoke leaked")

		_, text, _ = s.CreateToken(ann, NewToken{Name: "deploys", Role: Viewer, ExpiresAt: time.Now().Add(time.Hour)})
		equal(t, "another", who(), "ann viewer")
		time.Sleep(time.Hour)
		equal(t, "expired", who(), "nobody")
	})
}

// What is kept of a password costs who guesses as much as it should.
func TestWhatAPasswordCosts(t *testing.T) {
	t.Parallel()
	p, err := newPasswords(passwordCost)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := p.hash(t.Context(), right)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=47104,t=1,p=1$") {
		t.Fatalf("%s, %v", hash, err)
	}
	if same, err := p.match(t.Context(), right, hash); err != nil || !same {
		t.Errorf("the right one: %v, %v", same, err)
	}
	if same, err := p.match(t.Context(), right, ""); err != nil || same {
		t.Errorf("nobody's: %v, %v", same, err)
	}
}

// No more than two are computed at once; who waits too long is sent away.
func TestFewPasswordsAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	s.mustAdd(t, "ann", Viewer)
	synctest.Test(t, func(t *testing.T) {
		s.passwords.free = make(chan struct{}, hashesAtOnce)
		for range hashesAtOnce {
			s.passwords.free <- struct{}{}
		}
		began := time.Now()
		_, err := s.SignIn(t.Context(), "ann", right, Client{})
		equal(t, "code", code(err), pipeline.CodeTooMany)
		equal(t, "after", time.Since(began), hashWait)
	})
}
