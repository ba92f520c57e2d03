package pipeline

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

const (
	kindIngestKey = "ingest-key"
	noteKeysEach  = time.Minute     // how often it is stored when keys were last used
	noteKeysFor   = 5 * time.Second // how long the last of these writes may take
	noteKeysMost  = 50              // records of one write
)

// IngestKey lets senders in at one pipeline. The key itself is known to them alone.
type IngestKey struct {
	Name     string
	Pipeline string
	SHA256   [sha256.Size]byte
}

// IngestKeyView is a key as pages show it.
type IngestKeyView struct {
	Name       string
	Pipeline   string
	Prefix     string    // the first 8 hex digits of its hash, to tell it by
	LastUsedAt time.Time // by any process, to the minute; zero: never
}

// IngestKeys knows the keys of the configuration, and when each was last used.
type IngestKeys struct {
	e    *Engine
	keys []*ingestKey // in the order of the configuration
}

type ingestKey struct {
	IngestKey
	used   atomic.Int64 // when this process last saw it, in Unix milliseconds
	stored int64        // what of that is in the store; of the noting loop alone
}

// keyUse is what is stored of a key, under its hash: a key that is renamed is
// still the same.
type keyUse struct {
	At time.Time `json:"at"`
}

func newIngestKeys(e *Engine) *IngestKeys {
	k := &IngestKeys{e: e}
	for _, c := range e.cfg.IngestKeys {
		k.keys = append(k.keys, &ingestKey{IngestKey: c})
	}
	return k
}

// Asked tells whether a pipeline takes rows with a key alone.
func (k *IngestKeys) Asked(pipeline string) bool {
	return slices.ContainsFunc(k.keys, func(key *ingestKey) bool { return key.Pipeline == pipeline })
}

// Opens tells whether a text is one of the pipeline's keys, and remembers when.
// It takes as long for a text that is none as for one that is.
func (k *IngestKeys) Opens(pipeline, text string) bool {
	sum := sha256.Sum256([]byte(text))
	var found *ingestKey
	for _, key := range k.keys {
		if key.Pipeline == pipeline && subtle.ConstantTimeCompare(sum[:], key.SHA256[:]) == 1 {
			found = key
		}
	}
	if found == nil {
		return false
	}
	found.used.Store(time.Now().UnixMilli())
	return true
}

// List returns the keys in the order of the configuration.
func (k *IngestKeys) List(ctx context.Context) ([]IngestKeyView, error) {
	if len(k.keys) == 0 {
		return nil, nil
	}
	records, err := listByID(ctx, k.e.backend.Records, kindIngestKey)
	if err != nil {
		return nil, fmt.Errorf("reading when ingest keys were used: %w", err)
	}
	views := make([]IngestKeyView, len(k.keys))
	for i, key := range k.keys {
		v := IngestKeyView{Name: key.Name, Pipeline: key.Pipeline, Prefix: hex.EncodeToString(key.SHA256[:4])}
		if rec, known := records[key.id()]; known {
			var use keyUse
			if err := json.Unmarshal(rec.Data, &use); err != nil {
				return nil, fmt.Errorf("reading when ingest key %s was used: %w", key.Name, err)
			}
			v.LastUsedAt = use.At
		}
		if ms := key.used.Load(); ms > 0 && time.UnixMilli(ms).After(v.LastUsedAt) {
			v.LastUsedAt = time.UnixMilli(ms).UTC()
		}
		views[i] = v
	}
	return views, nil
}

// id is what its record is called: half of the hash is more than enough to tell
// keys apart.
func (k *ingestKey) id() string { return hex.EncodeToString(k.SHA256[:len(k.SHA256)/2]) }

// run stores now and then, and once at the end, when keys were used: a key that
// opens a thousand times a second is written once a minute.
func (k *IngestKeys) run(ctx context.Context) error {
	if len(k.keys) == 0 {
		return nil
	}
	err := every(ctx, noteKeysEach, k.note)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteKeysFor)
	defer cancel()
	k.note(ending)
	return err
}

func (k *IngestKeys) note(ctx context.Context) {
	var fresh []Record
	var noted []func()
	for _, key := range k.keys {
		used := key.used.Load()
		if used == key.stored {
			continue
		}
		data, err := json.Marshal(keyUse{time.UnixMilli(used).UTC()})
		if err != nil {
			k.e.log.ErrorContext(ctx, "noting the use of an ingest key", "key", key.Name, "error", err)
			continue
		}
		fresh = append(fresh, Record{Kind: kindIngestKey, ID: key.id(), Version: AnyVersion, Data: data})
		noted = append(noted, func() { key.stored = used })
	}
	for len(fresh) > 0 {
		n := min(len(fresh), noteKeysMost)
		if err := k.e.backend.Records.Put(ctx, nil, fresh[:n]...); err != nil {
			k.e.log.WarnContext(ctx, "noting the use of ingest keys", "error", err)
			return // the next time tells all that is left
		}
		for _, done := range noted[:n] {
			done()
		}
		fresh, noted = fresh[n:], noted[n:]
	}
}
