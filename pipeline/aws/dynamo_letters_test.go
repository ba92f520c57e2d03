package aws

import (
	"errors"
	"strings"
	"testing"
	"time"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
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

// A move that finds its step moved meanwhile leaves no letter of it, even if the
// one who moved it went away before he could take it off the lists.
func TestALetterOfAStepThatWasMovedMeanwhileGoes(t *testing.T) {
	t.Parallel()
	s, letter := oneDead(t)
	dead, err := s.readRow(t.Context(), letter.Row)
	if err != nil {
		t.Fatal(err)
	}
	proxy := awstest.NewProxy(t, awstest.Emulators(t).DynamoDB)
	late := (&home{prefix: s.cfg.Prefix, at: awstest.Endpoints{DynamoDB: proxy.URL, SQS: awstest.Emulators(t).SQS}, line: &line{}}).store(t)
	move := pipeline.Move{Row: letter.Row, Step: letter.Step, If: pipeline.StateDead, Letter: letter.ID, At: time.Now()}
	isMove := func(c *awstest.Call) bool { return strings.Contains(string(c.Body), letter.Row) }
	proxy.Inject(awstest.Fault{Action: "UpdateItem", Where: isMove, Nth: 1, Do: before(func() {
		if _, err := s.write(t.Context(), dead.id, moves{s}.change(dead, &move)); err != nil {
			t.Error(err)
		}
	})})
	errs, err := late.Backend().Moves.Requeue(t.Context(), nil, move)
	if err != nil || !errors.Is(errs[0], pipeline.ErrChanged) {
		t.Fatalf("the late move is answered with %v, %v", errs, err)
	}
	page, err := late.Backend().Letters.List(t.Context(), pipeline.LetterFilter{})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("%d letters are listed, %v", len(page.Items), err)
	}
}
