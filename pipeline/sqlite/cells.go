package sqlite

import (
	"encoding/binary"
	"errors"
)

// cell is one step of one row: its flag, its place in the queue, its schedule.
type cell struct {
	step, state     int64
	attempts, spent int64
	due             int64 // queued, running, retrying: when; else 0
	touched         int64
	started         int64 // of the last attempt; with processed: 0 if no call was made
	duration        int64 // of the successful attempt, microseconds
	code            int64 // likewise
	worker          int64
	firstFailed     int64
	lastError       string
	op              int64 // operation that counts what becomes of it
	letter          int64 // dead: its letter
	again           bool  // was processed before and runs again
	alone           bool  // what it unlocks is not queued
}

// open tells whether the cell is in its queue.
func (c *cell) open() bool { return c.state == cellQueued || c.state == cellRetrying }

// tried tells whether an attempt was made, or the step left its queue without one.
func (c cell) tried() bool {
	return c.attempts > 0 || c.state == cellProcessed || c.state == cellDead
}

// A cell is stored as numbers of variable length, one after the other: step,
// head, attempts, touched, then what head says is there. Times count from that
// of the row's acceptance, so they are short. The lowest bits of head are the
// state.
const (
	cellAgain = 1 << (iota + 3)
	cellAlone
	hasDue
	hasStarted
	hasDuration
	hasCode
	hasWorker
	hasSpent
	hasFirstFailed
	hasLastError
	hasOp
	hasLetter
	stateBits = 7
)

// errCells means that a record does not hold what was written.
var errCells = errors.New("the steps of a row cannot be read")

// appendCells writes cells behind b; base is the time of the row.
func appendCells(b []byte, base int64, cells []cell) []byte {
	for i := range cells {
		c := &cells[i]
		b = binary.AppendVarint(b, c.step)
		b = binary.AppendVarint(b, c.head())
		b = binary.AppendVarint(b, c.attempts)
		b = binary.AppendVarint(b, c.touched-base)
		for _, t := range [...]int64{c.due, c.started} {
			if t != 0 {
				b = binary.AppendVarint(b, t-base)
			}
		}
		for _, v := range [...]int64{c.duration, c.code, c.worker, c.spent} {
			if v != 0 {
				b = binary.AppendVarint(b, v)
			}
		}
		if c.firstFailed != 0 {
			b = binary.AppendVarint(b, c.firstFailed-base)
		}
		if c.lastError != "" {
			b = binary.AppendVarint(b, int64(len(c.lastError)))
			b = append(b, c.lastError...)
		}
		for _, v := range [...]int64{c.op, c.letter} {
			if v != 0 {
				b = binary.AppendVarint(b, v)
			}
		}
	}
	return b
}

func (c *cell) head() int64 {
	head := c.state
	if c.again {
		head |= cellAgain
	}
	if c.alone {
		head |= cellAlone
	}
	for i, v := range [...]int64{c.due, c.started, c.duration, c.code, c.worker, c.spent, c.firstFailed, int64(len(c.lastError)), c.op, c.letter} {
		if v != 0 {
			head |= hasDue << i
		}
	}
	return head
}

// readCells appends to cells what appendCells wrote.
func readCells(b []byte, base int64, cells []cell) ([]cell, error) {
	r := cellReader{rest: b, base: base}
	for len(r.rest) > 0 {
		c := cell{step: r.number()}
		r.head = r.number()
		c.state, c.again, c.alone = r.head&stateBits, r.head&cellAgain != 0, r.head&cellAlone != 0
		c.attempts, c.touched = r.number(), r.number()+base
		c.due, c.started = r.time(hasDue), r.time(hasStarted)
		c.duration, c.code, c.worker, c.spent = r.value(hasDuration), r.value(hasCode), r.value(hasWorker), r.value(hasSpent)
		c.firstFailed, c.lastError = r.time(hasFirstFailed), r.text(hasLastError)
		c.op, c.letter = r.value(hasOp), r.value(hasLetter)
		if r.bad {
			return nil, errCells
		}
		cells = append(cells, c)
	}
	return cells, nil
}

// cellReader takes numbers off the front of a record; bad once there was none.
type cellReader struct {
	rest       []byte
	base, head int64
	bad        bool
}

func (r *cellReader) number() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad = true
		r.rest = nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *cellReader) value(bit int64) int64 {
	if r.head&bit == 0 {
		return 0
	}
	return r.number()
}

func (r *cellReader) time(bit int64) int64 {
	if r.head&bit == 0 {
		return 0
	}
	return r.number() + r.base
}

func (r *cellReader) text(bit int64) string {
	n := r.value(bit)
	if n < 0 || n > int64(len(r.rest)) {
		r.bad = true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
