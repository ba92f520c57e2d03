package stepup

import (
	"context"
	"errors"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/access"
)

// Services that are not there: whoever gets through to them breaks the test.
func TestAPersonIsAsked(t *testing.T) {
	t.Parallel()
	id := access.Identity{Name: "ada", Role: access.Admin, Session: "s1", Fresh: time.Now().Add(-time.Second)}
	person := access.WithIdentity(t.Context(), id)
	for name, deed := range map[string]func(context.Context) error{
		"purge": func(ctx context.Context) error { _, err := Queues{}.Purge(ctx, "orders-dlq", "x"); return err },
		"fault": func(ctx context.Context) error { _, err := Faults{}.Start(ctx, pipeline.NewFault{}); return err },
		"messages": func(ctx context.Context) error {
			_, err := Queues{Bulk: 1}.Move(ctx, "orders-dlq", pipeline.QueueMoveRequest{IDs: []string{"a", "b"}})
			return err
		},
		"rows": func(ctx context.Context) error { return Bulk(0).Ask(ctx, 1, "Discard 1 row") },
	} {
		if _, ok := errors.AsType[*access.StaleError](deed(person)); !ok {
			t.Errorf("%s: not asked for the password", name)
		}
	}
}

func TestWhoIsNotAsked(t *testing.T) {
	t.Parallel()
	fresh, program := access.Identity{Name: "ada", Session: "s1", Fresh: time.Now().Add(time.Minute)}, access.Identity{Name: "ada", Token: "t1"}
	for name, ctx := range map[string]context.Context{"no access control": t.Context(), "password given": access.WithIdentity(t.Context(), fresh),
		"a program": access.WithIdentity(t.Context(), program)} {
		if err := Bulk(3).Ask(ctx, 4, "x"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Bulk(3).Ask(access.WithIdentity(t.Context(), access.Identity{Name: "ada"}), 3, "x"); err != nil {
		t.Errorf("few rows: %v", err)
	}
}
