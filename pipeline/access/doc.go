// Package access says who may do what: users and their passwords, sessions of
// browsers, tokens of programs, and how fast one may guess.
//
// Everything is kept in the backend's records, so that all processes share it,
// and nothing kept there lets anybody in: passwords are hashed with argon2id,
// tokens of sessions, programs and invitations with SHA-256. What cannot be
// checked because the store does not answer is refused.
package access
