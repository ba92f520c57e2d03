// Package signature checks that a webhook came from the sender it names: an HMAC-SHA256
// over the raw body, and for the schemes with a time, that it was signed just now.
//
// The schemes are those of GitHub (X-Hub-Signature-256), Stripe (Stripe-Signature) and
// Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature). A replay within
// the tolerance is left to the intake's idempotency key.
//
// Every error of Verify is a sentence for the sender of the webhook. It names the header
// that is wrong and never the signature that would have been right.
package signature
