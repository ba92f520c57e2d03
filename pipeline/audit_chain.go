package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strconv"
	"time"
)

// Link is the place of an entry in its chain. Each entry holds the hash of the
// one before it, so that none can be changed, taken out, put in or moved without
// breaking the chain; and who knows its last hash knows whether its end was cut
// off. Hashes are SHA-256, in hexadecimal.
type Link struct {
	Chain    string // empty where a store has one chain; else whose it is: each process writes its own
	Number   int64  // from 1, without gaps; 0: the entry is from before there were chains
	Previous string // the Tail of the entry before, empty for the first
	Hash     string // of everything in the entry but its Seal, and of its Result only if there is no Seal
	Seal     string // of Hash and Result, where the result was written later than the entry
}

// Tail is the hash that stands for the entry and all before it: its seal, once
// it has one.
func (l Link) Tail() string {
	if l.Seal != "" {
		return l.Seal
	}
	return l.Hash
}

// Head is the last entry of a chain as people note it down: NUMBER:HASH.
func (l Link) Head() string { return strconv.FormatInt(l.Number, 10) + ":" + l.Tail() }

// Follow makes the entry the next one after the last of a chain.
func (e *Entry) Follow(last Link) {
	e.Link = Link{Chain: last.Chain, Number: last.Number + 1, Previous: last.Tail()}
	e.Link.Hash = e.hash(e.Result)
}

// SealWith is the seal of an entry that was written without a result.
func (l Link) SealWith(result string) string {
	d := newDigest("redrive audit result 1")
	d.text(l.Hash)
	d.text(result)
	return d.sum()
}

// intact tells whether the entry is as it was when it was written.
func (e *Entry) intact() bool {
	if e.Link.Seal == "" {
		return e.hash(e.Result) == e.Link.Hash
	}
	return e.hash("") == e.Link.Hash && e.Link.SealWith(e.Result) == e.Link.Seal
}

// hash covers all fields, each with its length, so that no two entries have the
// same encoding.
func (e *Entry) hash(result string) string {
	d := newDigest("redrive audit entry 1")
	d.text(e.Link.Chain)
	d.number(e.Link.Number)
	d.text(e.Link.Previous)
	d.text(e.ID)
	d.number(millisOf(e.At))
	for _, text := range [...]string{e.Actor, e.Role, e.From, e.Action, e.Object, e.Reason, result, string(e.Detail)} {
		d.text(text)
	}
	return d.sum()
}

// millisOf is a time as stores keep it.
func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// digest hashes fields so that where one ends and the next begins is part of it.
type digest struct{ h hash.Hash }

func newDigest(what string) digest {
	d := digest{sha256.New()}
	d.text(what)
	return d
}

func (d digest) number(n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	d.h.Write(b[:]) //nolint:errcheck // a hash takes everything
}

func (d digest) text(s string) {
	d.number(int64(len(s)))
	d.h.Write([]byte(s)) //nolint:errcheck // a hash takes everything
}

func (d digest) sum() string { return hex.EncodeToString(d.h.Sum(nil)) }
