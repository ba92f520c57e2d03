package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"redrive/pipeline"
)

// The history of a row is the attempts before the newest of each step, and the
// results that are too long for the flags. An attempt goes there when the next
// one takes its place in the cell, written before the cell is: nothing is lost
// in between, and a step that goes well at once writes nothing.

func attemptKey(step string, number int) string { return fmt.Sprintf("a#%s#%08d", step, number) }

func resultKey(step, token string) string { return "r#" + step + "#" + token }

func (s *Store) attemptItem(id rowID, pipelineName string, a pipeline.Attempt) item {
	it := keyOf(id.history(), attemptKey(a.Step, a.Number))
	it["o"], it["s"], it["d"], it["c"] = str(string(a.Outcome)), at(a.StartedAt), num(a.Duration.Microseconds()), num(int64(a.StatusCode))
	it["e"], it["w"] = str(a.Error), str(a.Worker)
	it[attrTTL] = s.ttl(pipelineName, id)
	return it
}

func attemptOf(it item) (pipeline.Attempt, bool) {
	parts := strings.Split(it.str(attrSK), "#")
	if len(parts) != 3 || parts[0] != "a" {
		return pipeline.Attempt{}, false
	}
	a := pipeline.Attempt{Step: parts[1], StartedAt: it.time("s"), Duration: time.Duration(it.num("d")) * time.Microsecond,
		Outcome: pipeline.AttemptOutcome(it.str("o")), StatusCode: int(it.num("c")), Error: it.str("e"), Worker: it.str("w")}
	_, err := fmt.Sscanf(parts[2], "%d", &a.Number)
	return a, err == nil
}

// keepLast moves the newest attempt of a cell to the history, before another
// takes its place. A long one is there already.
func (s *Store) keepLast(ctx context.Context, r *row, step string, c cell) error {
	a, ok := c.attempt(step)
	if !ok || c.Last.Long {
		return nil
	}
	return s.table.put(ctx, s.attemptItem(r.id, r.pipeline(), a))
}

// keepLong writes the whole text of an attempt whose cell has only its
// beginning.
func (s *Store) keepLong(ctx context.Context, r *row, a *pipeline.Attempt) error {
	if len(a.Error) <= cellError || a.Number == 0 {
		return nil
	}
	return s.table.put(ctx, s.attemptItem(r.id, r.pipeline(), *a))
}

// recall reads a row's attempts, newest first, and results.
func (s *Store) recall(ctx context.Context, r *row) ([]pipeline.Attempt, map[string][]byte, error) {
	kept := map[string]pipeline.Attempt{}
	bodies := map[string][]byte{}
	for it, err := range s.table.items(ctx, query{pk: r.id.history(), strong: true}) {
		if err != nil {
			return nil, nil, err
		}
		if a, ok := attemptOf(it); ok {
			kept[it.str(attrSK)] = a
		} else {
			bodies[it.str(attrSK)] = it.blob(attrBody)
		}
	}
	results := map[string][]byte{}
	for step, c := range r.cells {
		if a, ok := c.attempt(step); ok && !c.Last.Long {
			kept[attemptKey(step, a.Number)] = a
		}
		switch {
		case c.Last == nil:
		case c.Last.Kept:
			results[step] = bodies[resultKey(step, c.Token)]
		case c.Last.result() != nil:
			results[step] = c.Last.result()
		}
	}
	list := make([]pipeline.Attempt, 0, len(kept))
	for _, a := range kept {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b pipeline.Attempt) int {
		if a.Step == b.Step {
			return cmp.Compare(b.Number, a.Number)
		}
		return cmp.Or(b.StartedAt.Compare(a.StartedAt), cmp.Compare(a.Step, b.Step))
	})
	return list, results, nil
}

// ttlSlack is how long after its retention DynamoDB may delete a row at the
// earliest: what is not finished by then is kept, see expire.go.
const ttlSlack = 24 * time.Hour

func (s *Store) ttl(pipelineName string, id rowID) types.AttributeValue {
	return expiry(id.created().Add(s.retention(pipelineName) + ttlSlack))
}
