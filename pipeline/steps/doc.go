// Package steps makes the call a configured step stands for and turns the answer into a
// verdict: processed, transient, throttled or permanent.
//
// The HTTP step posts the stored payload byte for byte. It makes exactly one call: it
// follows no redirect, uses no proxy of the environment and never repeats a request by
// itself, so that one attempt in the row's history is one request at the downstream.
// What to do with a verdict (retry, dead letter, breaker) is not decided here.
package steps
