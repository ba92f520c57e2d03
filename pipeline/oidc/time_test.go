package oidc_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"redrive/pipeline/oidc"
	"redrive/pipeline/oidc/oidctest"
)

func TestASlowProviderIsGivenTenSeconds(t *testing.T) {
	t.Parallel()
	for _, path := range []string{oidctest.Discovery, oidctest.Token, oidctest.Keys} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFake()
				fake.Replace(path, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				p := provider(t, config(fake))
				began := time.Now()
				var err error
				if path == oidctest.Discovery {
					_, _, err = p.Begin(t.Context())
				} else {
					_, err = signIn(t, p, fake)
				}
				wantError(t, err, oidc.CodeUnavailable, "does not answer")
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("took %v", took)
				}
				synctest.Wait()
			})
		})
	}
}

func TestACallerWhoLeavesIsNotKept(t *testing.T) {
	t.Parallel()
	for _, path := range []string{oidctest.Discovery, oidctest.Token, oidctest.Keys} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newFake()
				p := provider(t, config(fake))
				var flow oidc.Flow
				query := map[string][]string{}
				if path != oidctest.Discovery {
					flow, query = visit(t, p, fake, false)
				}
				fake.Replace(path, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var err error
				if path == oidctest.Discovery {
					_, _, err = p.Begin(ctx)
				} else {
					_, err = p.Finish(ctx, flow, query)
				}
				if _, blamed := errors.AsType[*oidc.Error](err); blamed || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				time.Sleep(time.Minute) // whatever was begun has ended by then, or the bubble says so
			})
		})
	}
}

func TestManyWhoWaitAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake()
		fake.Replace(oidctest.Discovery, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		p := provider(t, config(fake))
		failed := make(chan error)
		for range 50 {
			go func() {
				_, _, err := p.Begin(t.Context())
				failed <- err
			}()
		}
		for range 50 {
			wantError(t, <-failed, oidc.CodeUnavailable, "does not answer")
		}
		if n := fake.Requests(oidctest.Discovery); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// The first to ask leaves, and the others still get the answer.
func TestWhoLeavesTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake()
		fake.Replace(oidctest.Discovery, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(5 * time.Second)
			if r.Context().Err() == nil {
				fake.Replace(oidctest.Discovery, nil)
				fake.ServeHTTP(w, r)
			}
		})
		p := provider(t, config(fake))
		left, stays := make(chan error), make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, err := p.Begin(ctx)
			left <- err
		}()
		synctest.Wait()
		go func() {
			_, _, err := p.Begin(t.Context())
			stays <- err
		}()
		if err := <-left; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who left got %v", err)
		}
		if err := <-stays; err != nil {
			t.Errorf("who stayed got %v", err)
		}
	})
}

func TestDiscoveryIsReadAgainAfterAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake()
		p := provider(t, config(fake))
		asked := func(want int) {
			t.Helper()
			mustSignIn(t, p, fake)
			if n := fake.Requests(oidctest.Discovery); n != want {
				t.Errorf("asked %d times, want %d", n, want)
			}
		}
		asked(1)
		time.Sleep(59 * time.Minute)
		asked(1)
		// Down for the moment: what was known goes on, and the next sign-in asks again.
		fake.Replace(oidctest.Discovery, http.NotFound)
		time.Sleep(time.Minute)
		asked(3)
		fake.Replace(oidctest.Discovery, nil)
		asked(4)
		asked(4)
	})
}

// A key that the provider has withdrawn is not believed for ever.
func TestAWithdrawnKeyIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake()
		p := provider(t, config(fake))
		mustSignIn(t, p, fake)
		stolen := fake.Signer()
		fake.Rotate("ES256")
		fake.Sign = stolen
		time.Sleep(time.Hour)
		_, err := signIn(t, p, fake)
		wantError(t, err, oidc.CodeRefused, "not signed with a key")
	})
}

func TestAFreshSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := newFake()
		p := provider(t, config(fake))
		first := mustSignIn(t, p, fake)
		time.Sleep(8 * time.Hour)
		if again := mustSignIn(t, p, fake); again.AuthTime != first.AuthTime {
			t.Errorf("a session at the provider is not enough: asked at %v and %v", first.AuthTime, again.AuthTime)
		}
		flow, query := visit(t, p, fake, true)
		who, err := p.Finish(t.Context(), flow, query)
		if err != nil || !who.AuthTime.Equal(time.Now()) {
			t.Errorf("got %+v, %v at %v", who, err, time.Now())
		}
		// Five minutes on, the proof is no longer fresh.
		flow, query = visit(t, p, fake, true)
		fake.Claims = merge(t, `{"auth_time":`+seconds(-5*time.Minute)+`}`)
		if _, err := p.Finish(t.Context(), flow, query); err != nil {
			t.Errorf("exactly five minutes: %v", err)
		}
	})
}
