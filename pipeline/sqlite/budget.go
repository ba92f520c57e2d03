package sqlite

import "time"

// A list that must look into what it lists does so until one of these is used
// up; the caller goes on from where it ended. So no page takes long, however
// large the store, and a small store is searched in one call.
const (
	scanRows  = 5000
	scanBytes = 8 << 20 // of payloads
	scanTime  = 12 * time.Millisecond
	scanSure  = 500 // rows looked at whatever the time, within scanBytes
)

type budget struct {
	rows, bytes int
	end         time.Time
}

func newBudget() budget { return budget{end: time.Now().Add(scanTime)} }

func (b *budget) spent() bool {
	return b.rows >= scanRows || b.bytes > scanBytes || b.rows >= scanSure && time.Now().After(b.end)
}
