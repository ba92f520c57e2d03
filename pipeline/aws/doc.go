// Package aws is the backend for more than one machine: rows, flags and
// everything the console keeps lie in one DynamoDB table, each step has a queue
// and a dead-letter queue on SQS, and any number of processes work on them.
//
// # What a row costs
//
// A row is two items of one partition: its flags, under 1 kB, and its payload.
// One query reads both. Its id carries when it was accepted, so the partition
// is known from the id and lists need no index. A step that goes well costs one
// conditional write on the flags and a tenth each of a receive, a delete and a
// send; nothing is written before the call. Steps that wait or are queued have
// no cell at all: that follows from the flags of the steps they need.
//
// # Who is fenced, and how
//
// Each cell is one string. An outcome is written only if the cell still is what
// it was when the message was received, so that a worker that slept through its
// lease changes nothing once somebody else has looked at the message again. Each
// outcome carries the token of its delivery: a write whose answer got lost is
// recognised as one's own.
//
// An exclusive step is claimed in its cell before the call. Other steps are
// not: then two calls can overlap when a visibility time-out runs out, and the
// condition on the flag lets one outcome count.
//
// # Order of writes
//
// There are no transactions. What is derived from the flags (dead letters, the
// lists of dead, rejected and discarded rows) is written so that a crash leaves
// either nothing or something a reader can tell apart from the truth, and is
// mended by the next delivery, the next repeat or the next sweep. Messages are
// sent after the flags they follow from; one that was never sent is found by
// the sweep.
package aws
