package aws

import (
	"fmt"
	"testing"

	"redrive/pipeline/aws/awstest"
)

// freshItems are items that do not exist yet.
func freshItems(n int) (writes []write) {
	for i := range n {
		it := keyOf("fresh", fmt.Sprintf("%03d", i))
		it["is"] = str("new")
		writes = append(writes, write{put: it})
	}
	return writes
}

// says answers what each item says, in order.
func (s *stand) says(pk string) (list []string) {
	s.Helper()
	items, err := s.table.all(s.Context(), query{pk: pk, strong: true})
	s.ok(err)
	for _, it := range items {
		list = append(list, it.str("is"))
	}
	return list
}

// What is created is written over nothing: if the answer to a batch gets lost,
// somebody has changed what it wrote by the time it is tried again.
func TestWhatWasCreatedIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	changed := keyOf("fresh", "001")
	changed["is"] = str("changed")
	lost := s.proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Times: 1, Do: func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			next(c)
			s.ok(s.other.t.put(t.Context(), changed))
			return nil
		}
	}})
	s.ok(s.table.createMany(t.Context(), freshItems(3)))
	if got, want := fmt.Sprint(s.says("fresh")), "[new changed new]"; got != want || lost.Harmed() != 1 {
		t.Errorf("the items are %s after %d lost answers, want %s after one", got, lost.Harmed(), want)
	}
}

// What a batch leaves over, or does not get to the service at all, is created all
// the same.
func TestWhatABatchLeavesOverIsCreated(t *testing.T) {
	t.Parallel()
	for what, harm := range map[string]awstest.Harm{"left over": awstest.LeaveUnprocessed(3), "cut": awstest.Cut(), "throttled": awstest.Throttled()} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			s.proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Do: harm})
			s.ok(s.table.createMany(t.Context(), freshItems(batchWriteMost+2)))
			if n := len(s.says("fresh")); n != batchWriteMost+2 {
				t.Errorf("%d items are there", n)
			}
			if n := s.proxy.Count("BatchWriteItem"); n != 2 {
				t.Errorf("%d batches were sent for two", n)
			}
		})
	}
}
