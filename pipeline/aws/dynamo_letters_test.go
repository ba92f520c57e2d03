package aws

import (
	"testing"

	"redrive/pipeline"
)

// A write that comes late lists no letter of a row that was moved in between.
func TestALetterThatIsWrittenLateIsNotListed(t *testing.T) {
	t.Parallel()
	s, letter := oneDead(t)
	dead, err := s.readRow(t.Context(), letter.Row)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Backend()
	listed := func() int {
		page, err := b.Letters.List(t.Context(), pipeline.LetterFilter{})
		if err != nil {
			t.Fatal(err)
		}
		return len(page.Items)
	}
	if err := s.bury(t.Context(), dead, letter.Step); err != nil || listed() != 1 {
		t.Fatalf("written twice it is listed %d times, %v", listed(), err)
	}
	if errs, err := b.Moves.Discard(t.Context(), nil, "aside", "a test", letter.Row); err != nil || errs[0] != nil {
		t.Fatal(errs, err)
	}
	if err := s.bury(t.Context(), dead, letter.Step); err != nil || listed() != 0 {
		t.Fatalf("after the row was discarded %d letters are listed, %v", listed(), err)
	}
	page, err := b.Rows.List(t.Context(), pipeline.RowFilter{Pipeline: letter.Pipeline, Status: pipeline.StatusDead})
	if err != nil || len(page.Items) != 0 {
		t.Fatalf("%d rows are dead, %v", len(page.Items), err)
	}
}
