package sqlite

import "redrive/pipeline"

// Numbers under which statuses are stored and counted; never renumbered.
const (
	rowAccepted   = 1
	rowInProgress = 2
	rowDone       = 3
	rowDead       = 4
	rowRejected   = 5
	rowDiscarded  = 6
)

// statusNames has the status of each number at its place.
func statusNames() [7]pipeline.Status {
	return [7]pipeline.Status{"", pipeline.StatusAccepted, pipeline.StatusInProgress, pipeline.StatusDone,
		pipeline.StatusDead, pipeline.StatusRejected, pipeline.StatusDiscarded}
}

func statusName(n int64) pipeline.Status {
	if n < rowAccepted || n > rowDiscarded {
		return ""
	}
	return statusNames()[n]
}

// statusNumber answers 0 for an unknown status.
func statusNumber(s pipeline.Status) int64 {
	for n, name := range statusNames() {
		if name == s && n > 0 {
			return int64(n)
		}
	}
	return 0
}

// Numbers under which states are stored and counted; never renumbered.
const (
	cellWaiting   = 0 // stored only for a step that was reset
	cellQueued    = 1
	cellRunning   = 2
	cellRetrying  = 3
	cellDead      = 4
	cellProcessed = 5
)

func stateName(n int64) pipeline.State {
	switch n {
	case cellQueued:
		return pipeline.StateQueued
	case cellRunning:
		return pipeline.StateRunning
	case cellRetrying:
		return pipeline.StateRetrying
	case cellDead:
		return pipeline.StateDead
	case cellProcessed:
		return pipeline.StateProcessed
	}
	return pipeline.StateWaiting
}

// stateNumber answers -1 for an unknown state.
func stateNumber(s pipeline.State) int64 {
	for n := int64(cellWaiting); n <= cellProcessed; n++ {
		if stateName(n) == s {
			return n
		}
	}
	return -1
}

// Outcomes of attempts.
const (
	attemptProcessed = 1
	attemptFailed    = 2
	attemptThrottled = 3
	attemptDead      = 4
	attemptLost      = 5
)

func outcomeName(n int64) pipeline.AttemptOutcome {
	switch n {
	case attemptProcessed:
		return pipeline.AttemptProcessed
	case attemptFailed:
		return pipeline.AttemptFailed
	case attemptThrottled:
		return pipeline.AttemptThrottled
	case attemptDead:
		return pipeline.AttemptDead
	}
	return pipeline.AttemptLost
}

// Places in a step's counters; the first five are the states' numbers.
const (
	countProcessed = 5
	countFailed    = 6
	countThrottled = 7
)

// States of a letter.
const (
	letterClosed = 0
	letterOpen   = 1
	letterHidden = 2 // its row is discarded
)

func kindNumber(k pipeline.LetterKind) int64 {
	if k == pipeline.LetterUndeliverable {
		return 2
	}
	return 1
}

func kindName(n int64) pipeline.LetterKind {
	if n == 2 {
		return pipeline.LetterUndeliverable
	}
	return pipeline.LetterHandler
}
