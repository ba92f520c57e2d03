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
// # Rows and their flow
//
// What never changes of a row is in the table rows, with its payload. What
// changes - status, flags, queues, schedules - is one small record in the table
// flow (flow.go, flows.go, cells.go), so that a flag, what it unlocks and the
// row's status are one write. The writer keeps the records it worked on last in
// memory and stores each once a group: where a step is settled and the next one
// received in the same group, that is one write too.
//
// # Queues
//
// Queues are not on disk: a queued cell says so itself, and when the file is
// opened, the rows that are not finished are read once (recover.go; about a
// second a million). In memory a queued cell takes sixteen bytes (ready.go).
// Leases live in memory alone (leases.go), since no other process can hold one.
// Receiving is still written, so that a crash leaves the attempt counted:
// whatever is running when the file is opened was lost.
//
// A group that fails leaves nothing behind: its records are forgotten and read
// again, entries it took out of a queue are put back, and those it put in are
// out of date, which claim finds out.
//
// # Counters
//
// Counts are kept in memory by the writer and stored with the group they
// belong to. No page counts rows. Verify recounts everything and compares.
package sqlite
