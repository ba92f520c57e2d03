package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"redrive/pipeline"
)

const (
	copiesFor      = 14 * 24 * time.Hour
	copyBody       = 256 << 10 // bytes kept of a body: an item takes 400 kB
	copyAttributes = 64 << 10  // bytes kept of all values of attributes
	copySearchMost = 2000      // copies looked at in one search
	copyPrefix     = "c#"      // sk: when it was sent, id
	movedPrefix    = "m#"      // sk: id
)

// The attributes of a copy.
const (
	seenID        = "mid"
	seenBody      = "body"
	seenSize      = "len"
	seenCut       = "cut"
	seenSender    = "attrs"
	seenTraced    = "xray"
	seenSentAt    = "sent"
	seenReceived  = "got"
	seenReceives  = "n"
	seenOrigin    = "src"
	seenFirstSeen = "first"
	seenLast      = "seen"
	seenMovedTo   = "dest"
	seenMovedAt   = "moved"
	seenMovedAs   = "newid"
	seenMove      = "move"
)

// queueCopies keeps what was seen in queues: S#<queue>, a copy under the time it
// was sent and its id, and what became of it under its id alone.
type queueCopies struct{ table *table }

func copiesPK(queue string) string { return "S#" + queue }

// copyKey sorts by when a message was sent, which never changes.
func copyKey(m *pipeline.QueueMessage) string { return fmt.Sprintf("%013d.%s", millis(m.SentAt), m.ID) }

// isCopyKey tells what can be a key from what a person made up.
func isCopyKey(text string) bool {
	sent, id, ok := strings.Cut(text, ".")
	return ok && id != "" && len(sent) >= 13 && strings.Trim(sent, "0123456789") == "" && len(text) < 200 && utf8.ValidString(text)
}

// Keep writes a copy each; the first time a message is seen stays with it.
func (c queueCopies) Keep(ctx context.Context, queue string, when time.Time, messages ...pipeline.QueueMessage) ([]bool, error) {
	before, errs := make([]bool, len(messages)), make([]error, len(messages))
	var all sync.WaitGroup
	for i := range messages { // ten at most: one batch of SQS
		all.Go(func() { before[i], errs[i] = c.keep(ctx, queue, when, &messages[i]) })
	}
	all.Wait()
	return before, errors.Join(errs...)
}

func (c queueCopies) keep(ctx context.Context, queue string, when time.Time, m *pipeline.QueueMessage) (bool, error) {
	body, attributes, cut := cutCopy(m)
	sender, err := json.Marshal(attributes)
	if err != nil {
		return false, err
	}
	values := item{seenID: str(m.ID), seenBody: str(body), seenSize: num(int64(len(m.Body))), seenSender: blob(sender), seenTraced: str(m.Trace),
		seenSentAt: at(m.SentAt), seenReceived: at(m.FirstReceivedAt), seenReceives: num(int64(m.Receives)), seenOrigin: str(m.Source),
		seenLast: at(when), attrTTL: expiry(when.Add(copiesFor)), seenCut: num(0)}
	if cut {
		values[seenCut] = num(1)
	}
	set := condition{names: map[string]string{"#first": seenFirstSeen}, values: item{":" + seenLast: at(when)}}
	parts := []string{"#first = if_not_exists(#first, :" + seenLast + ")"}
	for name, v := range values {
		set.names["#"+name], set.values[":"+name] = name, v
		parts = append(parts, "#"+name+" = :"+name)
	}
	kept, err := c.table.update(ctx, copiesPK(queue), copyPrefix+copyKey(m), "SET "+strings.Join(parts, ", "), set)
	if err != nil {
		return false, err
	}
	return kept.time(seenFirstSeen).Before(when), nil
}

// cutCopy is what fits of a message.
func cutCopy(m *pipeline.QueueMessage) (body string, attributes []pipeline.QueueAttribute, cut bool) {
	body, attributes = m.Body, m.Attributes
	if len(body) > copyBody {
		end := copyBody
		for end > 0 && !utf8.RuneStart(body[end]) {
			end--
		}
		body, cut = body[:end], true
	}
	left := copyAttributes
	for i, a := range m.Attributes {
		if left -= len(a.Name) + len(a.Value); left < 0 {
			return body, m.Attributes[:i], true
		}
	}
	return body, attributes, cut
}

// Moved notes where messages went.
func (c queueCopies) Moved(ctx context.Context, queue, move string, when time.Time, moved ...pipeline.MovedMessage) error {
	writes := make([]write, len(moved))
	for i, m := range moved {
		it := keyOf(copiesPK(queue), movedPrefix+m.ID)
		it[seenMovedTo], it[seenMovedAs], it[seenMove], it[seenMovedAt] = str(m.To), str(m.As), str(move), at(when)
		it[attrTTL] = expiry(when.Add(copiesFor))
		writes[i] = write{put: it}
	}
	return c.table.writeMany(ctx, writes)
}

// Get reads one copy.
func (c queueCopies) Get(ctx context.Context, queue, key string) (pipeline.QueueCopy, error) {
	var it item
	if isCopyKey(key) {
		var err error
		if it, err = c.table.get(ctx, copiesPK(queue), copyPrefix+key, true); err != nil {
			return pipeline.QueueCopy{}, err
		}
	}
	if it == nil {
		return pipeline.QueueCopy{}, &pipeline.Error{Code: pipeline.CodeNotFound, Text: "no message " + key + " of queue " + queue + " was seen in the last two weeks"}
	}
	list := []pipeline.QueueCopy{copyOf(it)}
	return list[0], c.addMoves(ctx, queue, list)
}

// List reads copies, newest first by when they were sent.
func (c queueCopies) List(ctx context.Context, queue string, f pipeline.QueueCopyFilter) (pipeline.Page[pipeline.QueueCopy], error) {
	page := pipeline.Page[pipeline.QueueCopy]{Items: []pipeline.QueueCopy{}}
	if f.Cursor != "" && !isCopyKey(f.Cursor) {
		return page, badCursor()
	}
	limit := f.Limit
	if limit <= 0 || limit > 500 {
		limit = 50
	}
	q := query{pk: copiesPK(queue), from: copyPrefix, to: copyPrefix + "~", descending: true, strong: true}
	if f.Cursor != "" {
		q.to = copyPrefix + f.Cursor
	}
	if f.Query == "" {
		q.limit = int32(limit + 2) // the one of the cursor, and whether there are more
	}
	last := ""
	for it, err := range c.table.items(ctx, q) {
		if err != nil {
			return page, err
		}
		got := copyOf(it)
		if got.Key >= f.Cursor && f.Cursor != "" {
			continue
		}
		if len(page.Items) == limit || f.Query != "" && page.Scanned == copySearchMost {
			page.Next = last
			break
		}
		last = got.Key
		if f.Query != "" {
			page.Scanned++
		}
		if contains(&got, f) {
			page.Items = append(page.Items, got)
		}
	}
	return page, c.addMoves(ctx, queue, page.Items)
}

// contains looks for text wherever a person would.
func contains(c *pipeline.QueueCopy, f pipeline.QueueCopyFilter) bool {
	text := strings.ToLower(f.Query)
	if text == "" || strings.Contains(strings.ToLower(c.ID), text) {
		return true
	}
	if f.Blind {
		return false
	}
	if strings.Contains(strings.ToLower(c.Body), text) {
		return true
	}
	for _, a := range c.Attributes {
		if strings.Contains(strings.ToLower(a.Name), text) || bytes.Contains(bytes.ToLower(a.Value), []byte(text)) {
			return true
		}
	}
	return false
}

func copyOf(it item) pipeline.QueueCopy {
	c := pipeline.QueueCopy{Key: strings.TrimPrefix(it.str(attrSK), copyPrefix), Size: int(it.num(seenSize)), Cut: it.num(seenCut) == 1,
		FirstSeenAt: it.time(seenFirstSeen), SeenAt: it.time(seenLast),
		QueueMessage: pipeline.QueueMessage{ID: it.str(seenID), Body: it.str(seenBody), Trace: it.str(seenTraced), SentAt: it.time(seenSentAt),
			FirstReceivedAt: it.time(seenReceived), Receives: int(it.num(seenReceives)), Source: it.str(seenOrigin), Attributes: []pipeline.QueueAttribute{}}}
	_ = json.Unmarshal(it.blob(seenSender), &c.Attributes) // written by Keep
	return c
}

// addMoves says of copies where their messages went since they were seen.
func (c queueCopies) addMoves(ctx context.Context, queue string, list []pipeline.QueueCopy) error {
	if len(list) == 0 {
		return nil
	}
	keys, byID := make([]item, 0, len(list)), map[string]*pipeline.QueueCopy{}
	for i := range list {
		if byID[list[i].ID] == nil {
			keys = append(keys, keyOf(copiesPK(queue), movedPrefix+list[i].ID))
		}
		byID[list[i].ID] = &list[i]
	}
	found, err := c.table.getMany(ctx, keys, true)
	for _, it := range found {
		one := byID[strings.TrimPrefix(it.str(attrSK), movedPrefix)]
		if moved := it.time(seenMovedAt); one != nil && !moved.Before(one.SeenAt) {
			one.MovedTo, one.MovedAt, one.MovedAs, one.Move = it.str(seenMovedTo), moved, it.str(seenMovedAs), it.str(seenMove)
		}
	}
	return err
}
