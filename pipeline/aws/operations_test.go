package aws

import (
	"testing"

	"redrive/pipeline"
)

// Two processes may make a move of the same operation. The one that is late
// leaves alone what is known of it by then.
func TestAMoveThatIsLateKeepsTheOutcome(t *testing.T) {
	t.Parallel()
	s, letter := oneDead(t)
	const op = "operation"
	progress := func(want pipeline.Progress) {
		t.Helper()
		got, err := s.Backend().Moves.Progress(t.Context(), op)
		if err != nil || got != want {
			t.Errorf("progress is %+v, %v, want %+v", got, err, want)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.operate(t.Context(), op, letter.Row, letter.Step))
	do(s.unoperate(t.Context(), op, letter.Row, letter.Step))
	progress(pipeline.Progress{})

	do(s.operate(t.Context(), op, letter.Row, letter.Step))
	do(s.outcomeOf(t.Context(), op, letter.Row, letter.Step, movedDone))
	do(s.operate(t.Context(), op, letter.Row, letter.Step)) // late
	progress(pipeline.Progress{Moved: 1, Succeeded: 1})
	do(s.unoperate(t.Context(), op, letter.Row, letter.Step))
	progress(pipeline.Progress{Moved: 1, Succeeded: 1})
}
