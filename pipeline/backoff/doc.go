// Package backoff turns "this call failed for the n-th time" into "wait this long".
//
// Everything here is pure: the random source and the time are handed in. The ceiling of
// the n-th wait grows exponentially from Base to Cap; jitter then spreads the rows that
// failed together, so that a downstream that comes back is not met by all of them at once.
package backoff
