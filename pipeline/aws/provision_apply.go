package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

// Apply makes the changes of a plan, in its order, and says of each how it
// went: "done: create queue ...", "not done: ...", "left as it is: ...". It goes
// on after one that failed; the error then names all that are not made. Doing it
// again, or twice at once, does no harm.
func (p *Provisioner) Apply(ctx context.Context, plan Plan, tell func(line string)) error {
	var failed []Change
	var causes []error
	for _, c := range plan.Changes {
		if slices.ContainsFunc(failed, func(f Change) bool { return f.resource == c.resource }) {
			tell("not done: " + c.Text + ": it waits for what failed before")
			failed = append(failed, c)
			continue
		}
		if ctx.Err() != nil {
			failed, causes = append(failed, c), append(causes, errors.New("it was interrupted"))
			continue
		}
		switch err := c.do(ctx); {
		case err == nil:
			tell("done: " + c.Text)
		case isUnknown(err):
			tell("left as it is: " + c.Text + ": this endpoint does not know it")
		default:
			tell("not done: " + c.Text + ": " + said(err))
			failed, causes = append(failed, c), append(causes, err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return incomplete(failed, len(plan.Changes), causes)
}

func incomplete(failed []Change, of int, causes []error) error {
	var texts, why []string
	for _, c := range failed {
		texts = append(texts, c.Text)
	}
	hint := ""
	for _, err := range causes {
		text, advice, _ := strings.Cut(said(err), "; `")
		if advice != "" {
			hint = "; `" + advice
		}
		if !slices.Contains(why, text) {
			why = append(why, text)
		}
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: cmp.Or(causes...),
		Text: fmt.Sprintf("%d of %s not made (%s): %s", len(failed), counted(of, "change"), strings.Join(texts, "; "), strings.Join(why, "; ")) + hint}
}

// said is the sentence of an error without what is only for the log.
func said(err error) string {
	if e, ok := errors.AsType[*pipeline.Error](err); ok {
		return e.Text
	}
	return err.Error()
}

// explained is failure with the service's own words where only they tell what
// it does not like.
func explained(err error, action, resource string) error {
	told := failure(err, action, resource)
	e, ok := errors.AsType[*pipeline.Error](told)
	if code := codeOf(err); ok && code != "" && strings.HasSuffix(e.Text, " "+code) && words(err) != code {
		return &pipeline.Error{Code: e.Code, Text: e.Text + ": " + strings.Join(strings.Fields(words(err)), " "), Err: err}
	}
	return told
}

// await looks again and again until look is done, as what AWS has taken on is
// not there at once. An error with done ends it, one without is forgiven.
func (p *Provisioner) await(ctx context.Context, look func() (done bool, err error)) error {
	last := errors.New("it is not ready")
	for range p.looks {
		done, err := look()
		if done {
			return err
		}
		last = cmp.Or(err, last)
		timer := time.NewTimer(p.pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
	}
	return last
}
