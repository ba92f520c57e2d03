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
// Where rows and queues are two systems, a few more are possible:
//
//	row and message              a row queued, no message          the sweep, once the queue was seen empty
//	a message sent twice         two messages, one cell            the second finds the flag set, or the lease of the first
//	flag and delete              a message for a flag that is set  its next delivery triggers what follows once more and lets it go
//
// A queue that cannot be searched does not tell which of its messages are
// missing. A step queued, or due again, for longer than it may be, that somebody
// would take and nobody touched, is taken for lost when its queue was seen empty
// since; a duplicate does no harm.
//
// A step is therefore called at least once and its flag set exactly once. An
// outcome counts only if its lease is still the current one: the token in the
// delivery is compared with the one in the store, so a worker that slept
// through its lease changes nothing.
//
// # Several processes
//
// Any number of processes may run on a store that says it is Shared. None knows
// another's address; all they have in common is the store.
//
//	what                         agreed by                         when a process dies
//	a row's step                 the lease of its delivery         the lease runs out, the step comes back
//	who is there                 a sign of life each 2 s           after 8 s of silence others take over, after 10 s pages say gone
//	an operation, a sweep        a lease, held while alive         taken over from its cursor; marked as failed, the next one does its work
//	gauges, alarms, retention    one leader, by lease              another leads
//	a slot of the schedule       a record only one can make        the slot is not swept twice; the next one is
//	a breaker                    one record, read each second      its probes are given back
//	a rate                       divided by those who are there    the others' shares grow
//	settings, faults             records, read each second         a fault ends with the process that started it
//
// A lease is not renewed: it lasts as long as its holder shows that it lives.
// Clocks are never compared. Silence is measured by who listens, from the last
// change it saw, and a process that could not store its sign of life for 6 s
// lets go of everything before anybody may take it (fleet.go, lease.go). What is
// done under a lease is safe to do twice all the same: a process may be stopped
// at any point and wake later.
//
// A process may do only a part: a console takes rows in, answers pages and runs
// operations; workers do everything else. On a store of one process there are no
// such records, and the one process holds every lease.
//
// # Ports
//
// backend.go holds everything a backend must do. The engine never learns which
// one runs. pipelinetest checks each promise made there, by name.
package pipeline
