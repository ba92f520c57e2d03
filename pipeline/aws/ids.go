package aws

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"redrive/pipeline"
)

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const (
	hourMillis = int64(time.Hour / time.Millisecond)
	mostShards = 32
	idLength   = 26
)

// rowID is the id of a row: 48 bits of milliseconds, so that ids sort by when
// rows were accepted, 20 bits of its pipeline's name, 5 bits of a shard, and 55
// bits of chance. It tells where the row lies, so that no index is needed.
type rowID struct {
	text  string
	ms    int64
	hash  uint32
	shard int
}

func newRowID(name string, at time.Time, shard int) rowID {
	var b [16]byte
	rand.Read(b[8:]) //nolint:errcheck // never fails: the program ends if the system has no randomness
	ms := max(at.UnixMilli(), 0)
	chance := binary.BigEndian.Uint64(b[8:]) & (1<<55 - 1)
	hash := pipelineHash(name)
	binary.BigEndian.PutUint64(b[:8], uint64(ms)<<16|uint64(hash>>4))
	binary.BigEndian.PutUint64(b[8:], uint64(hash&0xf)<<60|uint64(shard)<<55|chance)
	return rowID{text: idText.EncodeToString(b[:]), ms: ms, hash: hash, shard: shard}
}

// parseID answers false for what newRowID never made.
func parseID(text string) (rowID, bool) {
	if len(text) != idLength {
		return rowID{}, false
	}
	b, err := idText.DecodeString(text)
	if err != nil || len(b) != 16 || idText.EncodeToString(b) != text {
		return rowID{}, false
	}
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	return rowID{text: text, ms: int64(high >> 16), hash: uint32(high&0xffff)<<4 | uint32(low>>60), shard: int(low >> 55 & 31)}, true
}

func pipelineHash(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name)) //nolint:errcheck // a hash takes everything
	return h.Sum32() & (1<<20 - 1)
}

// firstID is the least id a row accepted at ms can have.
func firstID(ms int64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(ms, 0))<<16)
	return idText.EncodeToString(b[:])
}

func (id rowID) created() time.Time { return time.UnixMilli(id.ms).UTC() }

// partition is where rows of one pipeline, hour and shard lie together.
type partition struct {
	hash  uint32
	hour  int64 // since 1970
	shard int
}

func (id rowID) partition() partition {
	return partition{hash: id.hash, hour: id.ms / hourMillis, shard: id.shard}
}

func (p partition) pk() string { return fmt.Sprintf("R#%05x#%07d#%02d", p.hash, p.hour, p.shard) }

// sk of the partition in its pipeline's register: hours sort by time.
func (p partition) sk() string { return fmt.Sprintf("%07d#%02d", p.hour, p.shard) }

func (p partition) end() time.Time { return time.UnixMilli((p.hour + 1) * hourMillis).UTC() }

func parsePartition(name, sk string) (partition, bool) {
	p := partition{hash: pipelineHash(name)}
	n, err := fmt.Sscanf(sk, "%d#%d", &p.hour, &p.shard)
	return p, err == nil && n == 2
}

// The sort keys of a row in its partition, next to each other: one query reads
// both.
func (id rowID) pk() string      { return id.partition().pk() }
func (id rowID) payload() string { return id.text + "#p" }

// history is the partition of a row's attempts and results.
func (id rowID) history() string { return "H#" + id.text }

func noRow() error {
	return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no row with this id"}
}

func badCursor() error {
	return &pipeline.Error{Code: pipeline.CodeInvalid, Field: "cursor", Text: "cursor is not one that a list answered"}
}
