package pipeline

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHubTellsASlowReaderLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		h := newHub()
		go h.run(ctx) //nolint:errcheck // it answers nil
		slow, quick := h.Subscribe(ctx), h.Subscribe(ctx)
		var got []string
		for _, topic := range []string{"a", "b", "c", "d", "e", "f", "e"} {
			h.Touch(topic)
			time.Sleep(time.Second)
			got = append(got, <-quick...)
		}
		if !slices.Equal(got, []string{"a", "b", "c", "d", "e", "f", "e"}) {
			t.Errorf("the quick reader was told %v", got)
		}
		for _, want := range [][]string{{"a"}, {"b"}, {"c"}, {"d"}, {"e", "f"}} {
			if got := <-slow; !slices.Equal(got, want) {
				t.Errorf("the slow reader was told %v, want %v", got, want)
			}
		}
	})
}

func TestHubClosesWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		h := newHub()
		gone, ended := context.WithCancel(ctx)
		ch := h.Subscribe(gone)
		ended()
		synctest.Wait()
		h.Touch("a")
		h.flush()
		if topics, open := <-ch; open {
			t.Errorf("told %v after its end", topics)
		}
		if _, open := <-h.Subscribe(gone); open {
			t.Error("a reader that has gone is told")
		}
		end()
	})
}
