// Package breaker decides whether a shared downstream may be called. It knows nothing of
// rows, steps or stores.
//
// A breaker has two parts. The Window counts the calls of the last seconds; it is local
// to a process. The Snapshot is the state; it lives in a store and is shared by all
// processes. The transitions are pure functions: a caller reads a Snapshot, applies a
// transition, and writes the result back if the stored Version is still the one it read.
// Version is raised by every change and by nothing else, so an equal Version also means
// that there is nothing to write.
//
//	          Trip: too many calls failed
//	closed ---------------------------------> open
//	  ^                                        |  ^
//	  | ProbeResult: all probes succeeded      |  | ProbeResult: one failed
//	  | Settle: nothing else waits             |  |
//	  |                                        v  |
//	  +------------------------------------ half-open
//	                       Tick: OpenFor is over, or Force: probe now
//
// Probes are counted by caller: each of several processes gives back its own, and those
// of a process that is gone are given back by whoever notices.
//
// Round is raised by every transition. A process that sees a new Round empties its
// Window; the outcome of a probe of an earlier Round is ignored.
//
// An operator can hold a breaker open or closed until a time. While held, nothing moves
// it but that time or another command of an operator.
package breaker
