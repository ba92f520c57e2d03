package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// newSecret is what nobody guesses: 130 bits or more, in letters and digits.
func newSecret() string { return rand.Text() }

// digest is what is kept of a secret. It needs no salt and no slow hash: a
// secret of ours cannot be found by trying.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func sameDigest(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
