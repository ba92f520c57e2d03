// Package sqlite is the embedded backend: one file, one process, no service.
//
// # One writer
//
// Everything that changes something is a job for one goroutine with its own
// connection (writer.go). It takes the jobs that wait, applies them in one
// transaction, commits once and answers them all, so that a flush to disk is
// shared by everybody who came while the last one ran. A refusal (lease lost,
// version changed) is the answer of its job; a failure of SQLite rolls the
// group back and its jobs run once more, each alone, so that one that cannot be
// stored does not hurt its neighbours. Readers have connections of their own
// and never wait for the writer.
//
// # Cells
//
// The table cells is flag, queue and schedule at once: one entry a step of a
// row, from the moment its needs are processed. The index cells_due is the
// queue on disk. What is due soonest is kept in memory, step by step, in a
// window of bounded size (ready.go); leases live in memory alone (leases.go),
// since no other process can hold one. Receiving is still written, so that a
// crash leaves the attempt counted: whatever is running when the file is opened
// was lost.
//
// # Counters
//
// Counts are kept in memory by the writer and stored with the group they
// belong to. No page counts rows. Verify recounts everything and compares.
package sqlite
