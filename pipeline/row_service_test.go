package pipeline_test

import (
	"errors"
	"testing"

	"redrive/pipeline"
)

// A content type becomes a header of every step's call.
func TestATestMessageBringsNoHeaders(t *testing.T) {
	newWorld(t, diamond, func(t *testing.T, w *world) {
		for _, kind := range []string{"text/plain\r\nX-Admin: yes", "text/plain\r\n", "a\x00b", "text/plain\u0085"} {
			if _, err := w.engine.Rows.Test(t.Context(), pipeline.TestMessage{Pipeline: "p", Payload: []byte("x"), ContentType: kind, Reason: "x"}); !errors.Is(err, pipeline.ErrInvalid) {
				t.Errorf("%q: %v", kind, err)
			}
		}
		if _, err := w.engine.Rows.Test(t.Context(), pipeline.TestMessage{Pipeline: "p", Payload: []byte("x"), ContentType: "text/plain; charset=utf-8", Reason: "x"}); err != nil {
			t.Error(err)
		}
	})
}
