package pipeline

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID returns an id for a record that is no row: 26 URL-safe characters that
// sort by time (48 bits of milliseconds, 80 bits of chance).
func NewID() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:]) //nolint:errcheck // never fails: the program ends if the system has no randomness
	return idAlphabet.EncodeToString(b[:])
}

// bornAt is when an id was made, the zero time for what is none.
func bornAt(id string) time.Time {
	b, err := idAlphabet.DecodeString(id)
	if err != nil || len(b) != 16 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b[:8]) >> 16))
}

// knownCursor refuses a cursor of a list of records that no list answered: there
// it is an id.
func knownCursor(cursor string) error {
	if b, err := idAlphabet.DecodeString(cursor); cursor == "" || err == nil && len(b) == 16 {
		return nil
	}
	return invalid("cursor", "cursor is not one that a list answered")
}
