// Package pipeline is the engine of Redrive: rows, the steps they pass, and
// everything that brings them back when a step fails.
//
// # The life of a row
//
// A row is stored first and answered for second. Its first steps are queued in
// the same durable write, so there is no moment in which a row exists that
// nobody will work on.
//
//	intake ──store──> accepted ──first attempt──> in_progress ──last flag──> done
//	   │                                              │
//	   └─schema broken─> rejected                     └─a step gives up─> dead ──redrive──> in_progress
//
// An operator may set any row aside (discarded) and take it back (restored);
// that changes no step.
//
// Each step of a row is a cell. A cell exists from the moment the steps it
// needs are processed; before that the step is waiting and nothing is stored.
//
//	waiting ──last need processed──> queued ──receive──> running ──2xx──> processed
//	                                   ^                   │ │
//	                                   ├──backoff is over──┘ └──gives up──> dead
//	                                   │     (retrying)                       │
//	                                   └───────────── redrive ────────────────┘
//
// # Who writes what
//
// The worker's whole job is a few lines, to be found in attempt.go: take the
// message, check the flag, if it is unset do the one thing, set the flag and
// trigger what comes next, let the message go.
//
//	write                        by                     carries
//	Insert                       intake                 row, payload, idempotency key, first cells queued
//	Receive                      worker                 cell running, lease token, attempt counted
//	Settle                       worker, lease holder   flag or backoff or dead letter, next cells queued, row status
//	Requeue                      redrive, replay, sweep cell queued again, budget reset, dead letter closed
//	Discard, Restore             operator               row set aside or taken back, with its audit entry
//
// Each line is one atomic write on a backend that has transactions, and a
// sequence of writes that are each safe to repeat on one that has not.
//
// # What a crash leaves behind
//
//	between                      left behind                       mended by
//	Insert and the 202           a row nobody was told about       the sender's retry: same idempotency key, same row
//	Receive and the call         a lease, an attempt counted       the lease runs out: the attempt is kept as lost, the cell queued
//	the call and Settle          the effect, no flag               the same; the step is called again with the same Idempotency-Key
//	flag and trigger             a flag, next cell missing         the second delivery triggers again; else the sweep
//	(never on one transaction)
//	two operator writes          a stored operation, a cursor      the operation goes on from its cursor
//
// A step is therefore called at least once and its flag set exactly once. An
// outcome counts only if its lease is still the current one: the token in the
// delivery is compared with the one in the store, so a worker that slept
// through its lease changes nothing.
//
// # Ports
//
// backend.go holds everything a backend must do. The engine never learns which
// one runs. pipelinetest checks each promise made there, by name.
package pipeline
