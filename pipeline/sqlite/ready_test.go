package sqlite

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAQueueIsInOrder pushes and pops at random, and compares with a sorted list.
func TestAQueueIsInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	q, want := &queue{}, []entry{}
	for i := range 40_000 {
		if rng.IntN(40) < 21 || len(want) == 0 {
			due := int64(i)
			if rng.IntN(8) == 0 {
				due += int64(rng.IntN(4000)) - 2000
			}
			e := newEntry(due, int64(i), rng.IntN(2) == 0)
			at, _ := slices.BinarySearchFunc(want, e, entry.compare)
			want = slices.Insert(want, at, e)
			q.push(e)
		} else {
			e, ok := q.first()
			if !ok || e != want[0] {
				t.Fatalf("first is %v %v, want %v", e, ok, want[0])
			}
			q.pop()
			want = want[1:]
		}
		if q.len() != len(want) {
			t.Fatalf("%d entries, want %d", q.len(), len(want))
		}
	}
	var all []entry
	q.each(true, func(e entry) { all = append(all, e) })
	slices.SortFunc(all, entry.compare)
	if !slices.Equal(all, want) {
		t.Error("each does not visit what is left")
	}
	q.fill(all)
	for range want {
		e, _ := q.first()
		if e != want[0] {
			t.Fatalf("first of a filled queue is %v, want %v", e, want[0])
		}
		q.pop()
		want = want[1:]
	}
}
