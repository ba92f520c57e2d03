package pipeline

import (
	"context"
	"fmt"
	"testing"
	"time"

	"redrive/pipeline/backoff"
)

func TestJudge(t *testing.T) {
	started := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	now := started.Add(200 * time.Millisecond)
	policy := backoff.Policy{Attempts: 3, Base: time.Second, Cap: time.Minute, Jitter: backoff.None}
	for name, tt := range map[string]struct {
		spent   int
		answer  Answer
		verdict Verdict
		outcome AttemptOutcome
		free    bool
		wait    time.Duration
	}{
		"processed":                      {0, Answer{Kind: AnswerProcessed, StatusCode: 200}, Processed, AttemptProcessed, false, 0},
		"transient, first":               {0, Answer{Kind: AnswerTransient, StatusCode: 503}, Retry, AttemptFailed, false, time.Second},
		"transient, second":              {1, Answer{Kind: AnswerTransient, StatusCode: 503}, Retry, AttemptFailed, false, 2 * time.Second},
		"transient, last":                {2, Answer{Kind: AnswerTransient, StatusCode: 503}, Dead, AttemptDead, false, 0},
		"permanent":                      {0, Answer{Kind: AnswerPermanent, StatusCode: 422}, Dead, AttemptDead, false, 0},
		"throttled, budget at its end":   {2, Answer{Kind: AnswerThrottled, StatusCode: 429}, Retry, AttemptThrottled, true, time.Second},
		"throttled with a wish":          {0, Answer{Kind: AnswerThrottled, RetryAfter: 7 * time.Second}, Retry, AttemptThrottled, true, 7 * time.Second},
		"transient with a wish":          {0, Answer{Kind: AnswerTransient, RetryAfter: 9 * time.Second}, Retry, AttemptFailed, false, 9 * time.Second},
		"a wish shorter than the wait":   {1, Answer{Kind: AnswerTransient, RetryAfter: time.Millisecond}, Retry, AttemptFailed, false, 2 * time.Second},
		"cut off by the program's end":   {2, Answer{Kind: AnswerAborted}, Retry, AttemptLost, true, 0},
		"processed with an empty budget": {2, Answer{Kind: AnswerProcessed}, Processed, AttemptProcessed, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			out := judge(policy, Delivery{Attempt: 1, Spent: tt.spent, Step: "index", Pipeline: "p"}, tt.answer, started, now, func() float64 { return 0 })
			if out.Verdict != tt.verdict || out.Attempt.Outcome != tt.outcome || out.Free != tt.free {
				t.Errorf("verdict %v, outcome %s, free %v", out.Verdict, out.Attempt.Outcome, out.Free)
			}
			if tt.verdict == Retry && out.RetryAt.Sub(now) != tt.wait {
				t.Errorf("waits %s, want %s", out.RetryAt.Sub(now), tt.wait)
			}
			if tt.verdict == Dead && (out.Letter.Group == "" || out.Letter.Kind != LetterHandler || !out.Letter.FirstFailedAt.Equal(started)) {
				t.Errorf("letter = %+v", out.Letter)
			}
		})
	}
}

func TestJudgeTriesForEver(t *testing.T) {
	policy := backoff.Policy{Attempts: 0, Base: time.Second, Cap: 4 * time.Second, Jitter: backoff.None}
	now := time.Now()
	out := judge(policy, Delivery{Attempt: 5000, Spent: 4999}, Answer{Kind: AnswerTransient}, now, now, func() float64 { return 0 })
	if out.Verdict != Retry || out.RetryAt.Sub(now) != 4*time.Second {
		t.Errorf("verdict %v after %s", out.Verdict, out.RetryAt.Sub(now))
	}
}

// Undeliverable is what no call could be made for; a refused connection was tried.
func TestJudgeTellsWhatCouldNotBeTried(t *testing.T) {
	now := time.Now()
	for cause, want := range map[string]LetterKind{CauseRequest: LetterUndeliverable, CauseAddress: LetterUndeliverable, CauseConnection: LetterHandler, CauseTimeout: LetterHandler, "": LetterHandler} {
		out := judge(backoff.Policy{Attempts: 1}, Delivery{}, Answer{Kind: AnswerTransient, Cause: cause}, now, now, func() float64 { return 0 })
		if out.Letter.Kind != want {
			t.Errorf("cause %q makes kind %s, want %s", cause, out.Letter.Kind, want)
		}
	}
}

// A graph that could not be read because the process ends is no fault of the row.
func TestUnreadGraphBurnsNothing(t *testing.T) {
	w := &worker{}
	for want, err := range map[Verdict][]error{
		Release: {&Error{Code: CodeUnavailable, Text: "down"}, fmt.Errorf("reading graph: %w", context.Canceled)},
		Dead:    {notFound("no graph")},
	} {
		for _, err := range err {
			if got := w.undeliverable(Delivery{}, err); got.Verdict != want {
				t.Errorf("%v: verdict %d, want %d", err, got.Verdict, want)
			}
		}
	}
}
