package aws

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"math/rand/v2"
	"time"

	"redrive/pipeline"
)

// sendFor is how long an intake waits for its messages to be sent. The rows are
// durable by then: what is not sent is found by the sweep.
const sendFor = 2 * time.Second

// rows is the store of rows.
type rows struct{ s *Store }

// Insert writes payloads, then flags, then sends the messages of the roots. A
// row exists once its flags do; a payload without flags belongs to nobody and
// goes with its time to live.
func (rs rows) Insert(ctx context.Context, news ...pipeline.NewRow) ([]pipeline.Inserted, error) {
	if len(news) == 0 {
		return nil, nil
	}
	ctx = spend(ctx, purposeIntake)
	if err := rs.s.counts.enlist(ctx); err != nil {
		return nil, err
	}
	answers := make([]pipeline.Inserted, len(news))
	ids := make([]rowID, len(news))
	for i := range news {
		id, err := rs.s.prepare(ctx, &news[i])
		if err != nil {
			return nil, err
		}
		ids[i] = id
		answers[i] = pipeline.Inserted{ID: id.text, Status: news[i].Status}
	}
	fresh, err := rs.claimKeys(ctx, news, ids, answers)
	if err != nil {
		return nil, err
	}
	if err := rs.store(ctx, news, ids, fresh, answers); err != nil {
		return nil, err
	}
	rs.sendRoots(ctx, news, ids, answers)
	return answers, nil
}

// prepare registers what a row refers to and gives it an id.
func (s *Store) prepare(ctx context.Context, n *pipeline.NewRow) (rowID, error) {
	if n.Status == "" {
		n.Status = pipeline.StatusAccepted
	}
	id := newRowID(n.Pipeline, n.At, s.partitions.shard(n.Pipeline, time.Now(), rand.IntN(mostShards)))
	if err := s.graphs.keep(ctx, n.Graph); err != nil {
		return id, err
	}
	return id, s.partitions.keep(ctx, n.Pipeline, id.partition())
}

// claimKeys gives each idempotency key to one row. It answers which rows are to
// be stored under a condition: theirs is a key, so somebody may store the same
// row at the same moment.
func (rs rows) claimKeys(ctx context.Context, news []pipeline.NewRow, ids []rowID, answers []pipeline.Inserted) ([]bool, error) {
	fresh := make([]bool, len(news))
	first := map[string]int{} // within this call
	errs := make([]error, len(news))
	var mine []int
	for i := range news {
		fresh[i] = true
		if news[i].Key == "" {
			continue
		}
		pk := keyPK(news[i].Pipeline, news[i].Key)
		if j, twice := first[pk]; twice {
			fresh[i], ids[i] = false, ids[j]
			continue
		}
		first[pk] = i
		mine = append(mine, i)
	}
	allAtOnce(len(mine), func(n int) { errs[n] = rs.claimKey(ctx, &news[mine[n]], &ids[mine[n]]) })
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	for i := range news {
		if !fresh[i] {
			j := first[keyPK(news[i].Pipeline, news[i].Key)]
			ids[i] = ids[j]
			answers[i].Duplicate = true
		}
		answers[i].ID = ids[i].text
	}
	return fresh, nil
}

func keyPK(name, key string) string {
	sum := sha256.Sum256([]byte(key))
	return "I#" + name + "#" + base64.RawURLEncoding.EncodeToString(sum[:18])
}

// claimKey writes the key with the row's id, or takes over the id of the row
// that has it.
func (rs rows) claimKey(ctx context.Context, n *pipeline.NewRow, id *rowID) error {
	pk := keyPK(n.Pipeline, n.Key)
	it := keyOf(pk, "k")
	it["id"], it[attrTTL] = str(id.text), expiry(id.created().Add(rs.s.retention(n.Pipeline)))
	free := condition{expr: "attribute_not_exists(" + attrPK + ") OR #ttl < :now", names: map[string]string{"#ttl": attrTTL}, values: item{":now": num(time.Now().Unix())}}
	err := rs.s.table.put(ctx, it, free)
	if !refused(err) {
		return err
	}
	known, err := rs.s.table.get(ctx, pk, "k", true)
	if err != nil {
		return err
	}
	if other, ok := parseID(known.str("id")); ok {
		*id = other
		return rs.s.partitions.keep(ctx, n.Pipeline, other.partition())
	}
	return nil
}

// store writes rows. One without a key cannot exist yet; one with a key may have
// been stored before, or be stored at this moment by somebody else: whoever
// writes its flags first is the one who stored it.
func (rs rows) store(ctx context.Context, news []pipeline.NewRow, ids []rowID, fresh []bool, answers []pipeline.Inserted) error {
	defer rs.s.counts.doubts.begin()()
	var payloads, flags []write
	var keyed []int
	for i := range news {
		switch {
		case !fresh[i]:
		case news[i].Key != "":
			keyed = append(keyed, i)
		default:
			payloads = append(payloads, rs.lists(&news[i], ids[i])...)
			payloads = append(payloads, write{put: rs.payload(&news[i], ids[i])})
			flags = append(flags, write{put: rs.flags(&news[i], ids[i])})
		}
	}
	errs := make([]error, len(keyed)+1)
	allAtOnce(len(keyed)+1, func(n int) {
		if n < len(keyed) {
			i := keyed[n]
			errs[n] = rs.storeKeyed(ctx, &news[i], ids[i], &answers[i])
			return
		}
		if errs[n] = rs.s.table.writeMany(ctx, payloads); errs[n] == nil {
			errs[n] = rs.s.table.createMany(ctx, flags)
		}
	})
	for _, err := range errs {
		if err != nil {
			rs.s.counts.doubts.unknown("", false) // some of them may be stored
			return err
		}
	}
	for i := range news {
		if fresh[i] && !answers[i].Duplicate {
			rs.s.counts.added(&news[i])
			rs.s.cfg.Account.cost.accepted(1)
		}
	}
	return rs.duplicates(ctx, ids, answers)
}

func (rs rows) storeKeyed(ctx context.Context, n *pipeline.NewRow, id rowID, answer *pipeline.Inserted) error {
	if err := rs.s.table.put(ctx, rs.payload(n, id), isNew()); err != nil && !refused(err) {
		return err
	}
	for _, w := range rs.lists(n, id) {
		if err := rs.s.table.put(ctx, w.put); err != nil {
			return err
		}
	}
	it := rs.flags(n, id)
	token := tokenText(randomToken())
	it["tk"] = str(token)
	err := rs.s.table.put(ctx, it, isNew())
	if !refused(err) {
		return err
	}
	stored, err := rs.s.table.get(ctx, id.pk(), id.text, true)
	if err != nil {
		return err
	}
	answer.Duplicate = stored.str("tk") != token
	return nil
}

// duplicates tells the status of rows that were stored before.
func (rs rows) duplicates(ctx context.Context, ids []rowID, answers []pipeline.Inserted) error {
	for i := range answers {
		if !answers[i].Duplicate {
			continue
		}
		it, err := rs.s.table.get(ctx, ids[i].pk(), ids[i].text, true)
		if err != nil {
			return err
		}
		if it == nil {
			continue
		}
		r, err := rs.s.row(ctx, it)
		if err != nil {
			return err
		}
		answers[i].Status = r.status()
	}
	return nil
}

func (rs rows) flags(n *pipeline.NewRow, id rowID) item {
	it := keyOf(id.pk(), id.text)
	it[attrPipeline], it[attrGraph], it[attrType] = str(n.Pipeline), str(n.Graph.ID()), str(n.ContentType)
	it[attrSize], it[attrUpdated] = num(int64(len(n.Payload))), at(n.At)
	it[attrTTL] = rs.s.ttl(n.Pipeline, id)
	if n.Label != "" {
		it[attrLabel] = str(n.Label)
	}
	if n.Status == pipeline.StatusRejected {
		it[attrRejected] = str(n.Error)
	}
	return it
}

func (rs rows) payload(n *pipeline.NewRow, id rowID) item {
	it := keyOf(id.pk(), id.payload())
	it[attrTTL] = rs.s.ttl(n.Pipeline, id)
	if n.Trace != "" {
		it[attrTrace] = str(n.Trace)
	}
	if n.Key != "" {
		it[attrKey] = str(n.Key)
	}
	rs.s.deflater.keep(it, n.Payload)
	return it
}

// lists are the entries by which a rejected row is found. They are written
// before its flags: an entry without a row is passed over.
func (rs rows) lists(n *pipeline.NewRow, id rowID) []write {
	if n.Status != pipeline.StatusRejected {
		return nil
	}
	return []write{{put: keyOf(rejectedPK(n.Pipeline), id.text)}}
}

// sendRoots sends the messages of the first steps. If they cannot be sent the
// rows wait for the sweep: they are accepted all the same.
func (rs rows) sendRoots(ctx context.Context, news []pipeline.NewRow, ids []rowID, answers []pipeline.Inserted) {
	bodies := map[pipeline.StepKey][]string{}
	for i := range news {
		if answers[i].Duplicate || news[i].Status == pipeline.StatusRejected {
			continue
		}
		for _, step := range news[i].Graph.Roots() {
			key := pipeline.StepKey{Pipeline: news[i].Pipeline, Step: step}
			bodies[key] = append(bodies[key], messageBody(ids[i].text, 0))
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendFor)
	defer cancel()
	keys := make([]pipeline.StepKey, 0, len(bodies))
	for key := range bodies {
		keys = append(keys, key)
	}
	allAtOnce(len(keys), func(i int) {
		rs.s.sendPatiently(ctx, keys[i], bodies[keys[i]]...)
	})
}
