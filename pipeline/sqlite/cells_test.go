package sqlite

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

const cellsBase = int64(1_780_000_000_000)

// randomCells has every field set or unset by chance.
func randomCells(rng *rand.Rand) []cell {
	some := func(n int64) int64 {
		if rng.IntN(2) == 0 {
			return 0
		}
		return 1 + rng.Int64N(n)
	}
	cells := make([]cell, 1+rng.IntN(5))
	for i := range cells {
		cells[i] = cell{step: int64(i) + some(1<<20), state: rng.Int64N(6), attempts: some(1000), spent: some(100),
			due: some(2 * cellsBase), touched: some(2 * cellsBase), started: some(2 * cellsBase), duration: some(1 << 40), code: some(600),
			worker: some(1000), firstFailed: some(2 * cellsBase), lastError: "an error\x00, \u6f22\u5b57"[:rng.IntN(12)], op: some(1 << 50),
			letter: some(1 << 62), again: rng.IntN(2) == 0, alone: rng.IntN(2) == 0}
	}
	return cells
}

func TestCellsAreReadAsTheyWereWritten(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		want := randomCells(rng)
		b := appendCells(nil, cellsBase, want)
		got, err := readCells(b, cellsBase, nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		if n := rng.IntN(len(b)); n > 0 {
			if part, err := readCells(b[:n], cellsBase, nil); err == nil && len(part) >= len(want) {
				t.Fatalf("%d of %d bytes are read as %d cells", n, len(b), len(part))
			}
		}
	}
}

func FuzzCells(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(appendCells(nil, cellsBase, randomCells(rand.New(rand.NewPCG(7, seed)))))
	}
	f.Add([]byte(nil))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		cells, err := readCells(b, cellsBase, nil)
		if err != nil {
			if !errors.Is(err, errCells) {
				t.Errorf("answers %v", err)
			}
			return
		}
		again, err := readCells(appendCells(nil, cellsBase, cells), cellsBase, nil)
		if err != nil || !reflect.DeepEqual(cells, again) {
			t.Errorf("%+v is read again as %+v, %v", cells, again, err)
		}
	})
}
