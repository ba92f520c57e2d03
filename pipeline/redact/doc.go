// Package redact takes secrets out of what is shown or leaves: payloads,
// answers of downstreams, error texts, log lines, alerts, exports. What is
// stored and sent to steps is never changed by it.
//
// A secret is known by the name it stands under (password, api_key, Cookie,
// card number ...) or by its own form (an AWS key, a JSON Web Token, a PEM
// block, a card number, the user of a URL ...). It is replaced by Mask, whose
// length says nothing.
//
// Redact first, then cut: a text that was cut through a secret no longer shows
// what it is. For a text that is cut already there is Beginning. Masking twice
// is the same as masking once.
//
// Everything here is linear in the text and bounded in depth: texts come from
// strangers.
package redact
