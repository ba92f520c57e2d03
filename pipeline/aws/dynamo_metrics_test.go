package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// production is how often metrics are flushed outside of tests.
const production = 10 * time.Second

// noon is a time on no border; what is put near it is younger than anything
// that is deleted.
func noon() time.Time {
	return time.Now().UTC().Truncate(time.Hour).Add(-time.Hour + 17*time.Minute + 4*time.Second)
}

func sample(at time.Time, step string, v float64) pipeline.Point {
	return pipeline.Point{Metric: pipeline.MetricDuration, Dimensions: pipeline.Dimensions{Pipeline: "github", Step: step},
		At: at.Truncate(pipeline.Resolution), Sum: v, Count: 1, Min: v, Max: v}
}

// reading is all of a step's points around noon as one process finds them now.
func (s *stand) reading(m *metrics, now time.Time, step string, period time.Duration) []pipeline.Datapoint {
	s.Helper()
	list, err := m.query(s.Context(), now, pipeline.MetricQuery{Metric: pipeline.MetricDuration,
		Dimensions: pipeline.Dimensions{Pipeline: "github", Step: step}, From: noon().Add(-time.Hour), To: noon().Add(time.Hour), Period: period})
	s.ok(err)
	return list
}

func total(list []pipeline.Datapoint) (sum float64) {
	for _, d := range list {
		sum += d.Sum
	}
	return sum
}

func (s *stand) sums(m *metrics, now time.Time, fine, coarse float64) {
	s.Helper()
	if got := total(s.reading(m, now, "index", pipeline.Resolution)); got != fine {
		s.Errorf("ten seconds add up to %v, want %v", got, fine)
	}
	if got := total(s.reading(m, now, "index", pipeline.Coarse)); got != coarse {
		s.Errorf("five minutes add up to %v, want %v", got, coarse)
	}
}

// A process puts points every two seconds for five minutes.
func TestASlotIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, start := s.metrics(production), noon().Truncate(pipeline.Coarse)
	s.proxy.KeepBodies()
	s.ok(m.put(t.Context(), start, []pipeline.Point{sample(start, "index", 0)})) // the first in a while are written at once
	s.proxy.Forget()
	var sum float64
	for i := range 150 {
		now := start.Add(time.Duration(i) * 2 * time.Second)
		var points []pipeline.Point
		for step := range 40 {
			points = append(points, sample(now, fmt.Sprint("step-", step), float64(i)))
		}
		sum++
		s.ok(m.put(t.Context(), now, append(points, sample(now, "index", 1))))
	}
	s.ok(m.write(t.Context(), start.Add(5*time.Minute), false))
	var items int
	for _, c := range s.proxy.Calls("BatchWriteItem") {
		items += bytes.Count(c.Body, []byte(`"PutRequest"`))
	}
	if items != 30+10 {
		t.Errorf("%d items were written, want one for each of 30 slots and one each half minute", items)
	}
	if other := s.proxy.Count("") - s.proxy.Count("BatchWriteItem"); other != 0 {
		t.Errorf("there were %d other requests", other)
	}
	s.sums(s.metrics(production), start.Add(6*time.Minute), sum, sum)
}

func TestPointsOfAllProcessesAddUp(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	now := noon()
	all := []*metrics{s.metrics(production), s.metrics(production), s.metrics(production)}
	for i, m := range all {
		s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now, "index", float64(i+1))}))
	}
	for _, m := range all {
		list := s.reading(m, now, "index", pipeline.Resolution)
		want := pipeline.Datapoint{At: now.Truncate(pipeline.Resolution), Sum: 6, Count: 3, Min: 1, Max: 3}
		if len(list) != 1 || list[0] != want {
			t.Errorf("found %v, want %v", list, want)
		}
	}
}

// What nobody can write to any more is read once.
func TestOldSlotsAreReadOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	writer, reader, start := s.metrics(production), s.metrics(production), noon()
	for i := range 60 {
		now := start.Add(time.Duration(i) * pipeline.Resolution)
		s.ok(writer.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1)}))
	}
	s.ok(writer.write(t.Context(), start.Add(10*time.Minute), true))
	now := start.Add(30 * time.Minute)
	s.sums(reader, now, 60, 60)
	var kept int
	for _, p := range reader.parts {
		kept += p.size
	}
	if kept < 60 {
		t.Errorf("%d slots are counted as kept", kept)
	}
	s.proxy.Forget()
	s.sums(reader, now.Add(4*time.Second), 60, 60)
	s.requests(0, "asking again before half a flush is over")
	s.proxy.KeepBodies()
	s.ok(writer.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1)}))
	s.proxy.Forget()
	s.sums(reader, now.Add(5*time.Second), 61, 61)
	final := slotKey(now.Add(-finalAfter - pipeline.Coarse).Unix())
	for _, c := range s.proxy.Calls("Query") {
		var asked struct {
			ExpressionAttributeValues map[string]struct{ S string }
		}
		s.ok(json.Unmarshal(c.Body, &asked))
		if from := asked.ExpressionAttributeValues[":from"].S; from < final {
			t.Errorf("slots from %s on were read again; those before %s are final", from, final)
		}
	}
}

// A process that could not write for a while writes slots others took for final.
func TestWhatIsWrittenFarTooLateIsSeenInTheEnd(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	late, reader, now := s.metrics(production), s.metrics(production), noon()
	fault := s.proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Do: awstest.Denied()})
	s.want(late.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1)}), pipeline.ErrUnavailable)
	fault.Remove()
	now = now.Add(10 * time.Minute)
	s.sums(reader, now, 0, 0)
	s.ok(late.write(t.Context(), now, true))
	s.sums(reader, now.Add(partFor), 1, 1)
}

func TestAnItemNobodyCanReadHidesNoOther(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1)}))
	for id, points := range map[string]types.AttributeValue{
		"columns": str(`{"metric":["duration_seconds"]}`), "text": str("no json"), "zip": blob([]byte("no gzip")), "none": num(1),
	} {
		it := keyOf(m.fine.partOf(now.Unix()).pk(), slotKey(now.Unix())+"#"+id)
		it[attrPoints] = points
		s.ok(s.table.put(t.Context(), it))
	}
	s.ok(s.table.put(t.Context(), keyOf(m.fine.partOf(now.Unix()).pk(), "nothing")))
	s.sums(s.metrics(production), now, 1, 1)
}

func TestAFailedFlushLosesNothing(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	for _, harm := range []awstest.Harm{awstest.Denied(), awstest.LostAnswer(), awstest.LeaveUnprocessed(2)} {
		fault := s.proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Times: 2, Do: harm})
		_ = m.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1)})
		_ = m.flush(t.Context())
		fault.Remove()
	}
	s.ok(m.flush(t.Context()))
	s.sums(m, now, 3, 3)
	s.sums(s.metrics(production), now, 3, 3)
}

func TestPointsPutDuringAFlushAreWrittenByTheNext(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	s.proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Nth: 1, Do: before(func() {
		m.mu.Lock()
		m.written = now // so that they wait
		m.mu.Unlock()
		s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now, "index", 2)}))
	})})
	s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1)}))
	s.ok(m.write(t.Context(), now, true))
	s.sums(s.metrics(production), now, 3, 3)
}

// Late points leave the memory while they are being looked for.
func TestASlotThatLeavesTheMemoryDuringAReading(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now.Add(-15*time.Minute), "index", 1)}))
	s.sums(m, now, 1, 1)
	now = now.Add(2 * restFor)
	s.proxy.Inject(awstest.Fault{Action: "Query", Do: after(func() { s.ok(m.write(t.Context(), now, false)) })})
	s.sums(m, now, 1, 1)
	if len(m.fine.own)+len(m.coarse.own) > 0 {
		t.Error("the points are still in the memory")
	}
}

func TestPutSaysThatTheTableCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	s.proxy.Inject(awstest.Fault{Action: "BatchWriteItem", Do: awstest.Denied()})
	s.want(s.metrics(production).Put(t.Context(), sample(time.Now(), "index", 1)), pipeline.ErrUnavailable)
}

func TestTheEndOfAProcessWritesEverything(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(time.Hour), noon()
	ctx, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { m.run(ctx) })
	for range 3 {
		s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now.Add(time.Hour), "index", 0), sample(now, "index", 1)}))
	}
	end()
	all.Wait()
	s.sums(s.metrics(production), now, 3, 3)
}

// Points that are no numbers would make an item nobody can write.
func TestPointsThatAreNoNumbersAreLeftOut(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	var zero float64
	s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1/zero), sample(now, "index", zero/zero), sample(now, "index", 1)}))
	s.sums(m, now, 1, 1)
}

func TestTrimHoldsForAllProcesses(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	s.ok(m.put(t.Context(), now, []pipeline.Point{sample(now, "index", 1), sample(now.Add(10*time.Minute), "index", 2)}))
	s.proxy.Forget()
	s.ok(m.Trim(t.Context(), now.Add(time.Minute), now.Add(-time.Hour)))
	s.requests(1, "trimming")
	s.sums(m, now, 2, 3)
	s.sums(s.metrics(production), now, 2, 3)
	other := s.metrics(production)
	s.ok(other.Trim(t.Context(), now.Add(-time.Minute), now.Add(9*time.Minute).Truncate(pipeline.Coarse)))
	s.ok(m.Trim(t.Context(), now.Add(-time.Hour), now.Add(-time.Hour)))
	for _, each := range []*metrics{m, other, s.metrics(production)} {
		s.sums(each, now, 2, 2)
	}
}

// However two processes put and flush, and however late points come: one that
// reads finds its own at once and the other's when they are written.
func TestAnyOrderOfPutsAndReadings(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s, die := newStand(t), rand.New(rand.NewPCG(seed, 1))
			m, other := s.metrics(production), s.metrics(production)
			m.every = 0 // reads what is new each time
			now, start := noon(), noon()
			model := map[int64]float64{}
			for range 150 {
				now = now.Add(time.Duration(die.IntN(40)) * time.Second)
				at, by, v := now, m, float64(die.IntN(100))
				switch die.IntN(3) {
				case 0:
					by = other
				case 1:
					at = start.Add(time.Duration(die.Int64N(int64(now.Sub(start) + time.Second))))
				}
				s.ok(by.put(t.Context(), now, []pipeline.Point{sample(at, "index", v)}))
				s.ok(by.write(t.Context(), now, by == other || die.IntN(4) == 0))
				model[at.Truncate(pipeline.Resolution).Unix()] += v
				s.finds(m, now, model)
			}
			s.ok(m.write(t.Context(), now, true))
			s.finds(s.metrics(production), now, model)
		})
	}
}

func (s *stand) finds(m *metrics, now time.Time, model map[int64]float64) {
	s.Helper()
	found, sum := map[int64]float64{}, 0.0
	for _, d := range s.reading(m, now, "index", pipeline.Resolution) {
		found[d.At.Unix()] = d.Sum
		sum += d.Sum
	}
	if !maps.Equal(found, model) {
		s.Fatalf("found %v\nwant  %v", found, model)
	}
	s.sums(m, now, sum, sum)
}

// A process reads everything all the time while slots come, are written and
// leave its memory.
func TestOnesOwnPointsAreReadExactlyOnce(t *testing.T) {
	t.Parallel()
	s, die := newStand(t), rand.New(rand.NewPCG(7, 7))
	m, start := s.metrics(production), noon()
	var sum float64
	for i := range 300 {
		now := start.Add(time.Duration(i) * 2 * time.Second)
		at := now
		if i%11 == 0 {
			at = start.Add(time.Duration(die.IntN(2*i+1)) * time.Second)
		}
		sum++
		s.ok(m.put(t.Context(), now, []pipeline.Point{sample(at, "index", 1)}))
		s.sums(m, now, sum, sum)
	}
	m.mu.Lock()
	fine, coarse := slices.Collect(maps.Keys(m.fine.own)), slices.Collect(maps.Keys(m.coarse.own))
	m.mu.Unlock()
	if len(fine) > 40 || len(coarse) > 4 {
		t.Errorf("%d and %d slots are still in the memory", len(fine), len(coarse))
	}
}

func TestTheMemoryOfPartsIsBounded(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	m, now := s.metrics(production), noon()
	for n := range 3 * partsMost {
		m.giveBack(m.take(partKey{"f", int64(n)}, m.fine, now.Add(time.Duration(n)*time.Second)))
	}
	if len(m.parts) > partsMost || m.parts[partKey{"f", 3*partsMost - 1}] == nil {
		t.Errorf("%d parts are kept", len(m.parts))
	}
	m.parts[partKey{"f", 3*partsMost - 2}].size = cellsMost + 1
	held := m.take(partKey{"f", 3*partsMost - 3}, m.fine, now)
	m.giveBack(m.take(partKey{"f", 3*partsMost - 2}, m.fine, now.Add(time.Hour)))
	if m.parts[held.key] != held {
		t.Error("one in use was forgotten")
	}
}
