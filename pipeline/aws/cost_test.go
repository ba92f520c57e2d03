package aws

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"redrive/pipeline"
	"redrive/pipeline/aws/awstest"
)

// A large payload is several requests of SQS, and DynamoDB counts in kilobytes
// what it says nothing about.
func TestBillOfATry(t *testing.T) {
	t.Parallel()
	text := func(n int) *string { return sdkaws.String(strings.Repeat("x", n)) }
	sized := func(n int) item { return item{attrPK: str("p"), attrSK: str("s"), "b": str(strings.Repeat("x", n-7))} } // of n bytes
	entries := func(n, size int) (list []sqstypes.SendMessageBatchRequestEntry) {
		for range n {
			list = append(list, sqstypes.SendMessageBatchRequestEntry{MessageBody: text(size)})
		}
		return list
	}
	messages := func(n, size int) *sqs.ReceiveMessageOutput {
		out := &sqs.ReceiveMessageOutput{}
		for range n {
			out.Messages = append(out.Messages, sqstypes.Message{Body: text(size)})
		}
		return out
	}
	taken := func(units float64) *types.ConsumedCapacity { return &types.ConsumedCapacity{CapacityUnits: &units} }
	yes := sdkaws.Bool(true)
	tests := []struct {
		name    string
		in, out any
		err     error
		want    bill
	}{
		{"a short message", &sqs.SendMessageInput{MessageBody: text(40)}, &sqs.SendMessageOutput{}, nil, bill{1, 0, 0}},
		{"a message of 64 kB", &sqs.SendMessageInput{MessageBody: text(64 << 10)}, &sqs.SendMessageOutput{}, nil, bill{1, 0, 0}},
		{"a message of more", &sqs.SendMessageInput{MessageBody: text(64<<10 + 1)}, &sqs.SendMessageOutput{}, nil, bill{2, 0, 0}},
		{"its attributes count", &sqs.SendMessageInput{MessageBody: text(64 << 10), MessageAttributes: map[string]sqstypes.MessageAttributeValue{"a": {StringValue: text(1)}}},
			&sqs.SendMessageOutput{}, nil, bill{2, 0, 0}},
		{"ten short ones", &sqs.SendMessageBatchInput{Entries: entries(10, 40)}, &sqs.SendMessageBatchOutput{}, nil, bill{1, 0, 0}},
		{"ten of 20 kB", &sqs.SendMessageBatchInput{Entries: entries(10, 20<<10)}, &sqs.SendMessageBatchOutput{}, nil, bill{4, 0, 0}},
		{"a poll that brings nothing", &sqs.ReceiveMessageInput{}, messages(0, 0), nil, bill{1, 0, 0}},
		{"a poll that brings much", &sqs.ReceiveMessageInput{}, messages(10, 20<<10), nil, bill{4, 0, 0}},
		{"letting ten go", &sqs.DeleteMessageBatchInput{}, &sqs.DeleteMessageBatchOutput{}, nil, bill{1, 0, 0}},
		{"what the service says", &dynamodb.PutItemInput{Item: sized(100)}, &dynamodb.PutItemOutput{ConsumedCapacity: taken(3)}, nil, bill{1, 0, 6}},
		{"half a read", &dynamodb.GetItemInput{}, &dynamodb.GetItemOutput{ConsumedCapacity: taken(0.5)}, nil, bill{1, 1, 0}},
		{"an item of a kilobyte", &dynamodb.PutItemInput{Item: sized(1024)}, &dynamodb.PutItemOutput{}, nil, bill{1, 0, 2}},
		{"an item of more", &dynamodb.PutItemInput{Item: sized(1025)}, &dynamodb.PutItemOutput{}, nil, bill{1, 0, 4}},
		{"a change", &dynamodb.UpdateItemInput{}, &dynamodb.UpdateItemOutput{Attributes: sized(1500)}, nil, bill{1, 0, 4}},
		{"a delete", &dynamodb.DeleteItemInput{}, &dynamodb.DeleteItemOutput{}, nil, bill{1, 0, 2}},
		{"nothing found", &dynamodb.GetItemInput{ConsistentRead: yes}, &dynamodb.GetItemOutput{}, nil, bill{1, 2, 0}},
		{"a range", &dynamodb.QueryInput{ConsistentRead: yes}, &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{sized(1000), sized(1000), sized(3000)}}, nil, bill{1, 4, 0}},
		{"a range, perhaps old", &dynamodb.QueryInput{}, &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{sized(1000)}}, nil, bill{1, 1, 0}},
		{"many reads, one of nothing, one left over",
			&dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"t": {Keys: make([]map[string]types.AttributeValue, 4), ConsistentRead: yes}}},
			&dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{"t": {sized(10), sized(5000)}},
				UnprocessedKeys: map[string]types.KeysAndAttributes{"t": {Keys: make([]map[string]types.AttributeValue, 1)}}}, nil, bill{1, 8, 0}},
		{"many writes, one left over",
			&dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"t": {{PutRequest: &types.PutRequest{Item: sized(10)}},
				{PutRequest: &types.PutRequest{Item: sized(2000)}}, {DeleteRequest: &types.DeleteRequest{}}}}},
			&dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{"t": {{PutRequest: &types.PutRequest{Item: sized(2000)}}}}}, nil, bill{1, 0, 4}},
		{"a condition that does not hold", &dynamodb.UpdateItemInput{}, nil, &types.ConditionalCheckFailedException{}, bill{1, 0, 2}},
		{"one of a large item", &dynamodb.PutItemInput{Item: sized(3000)}, nil, &types.ConditionalCheckFailedException{}, bill{1, 0, 6}},
		{"throttled", &dynamodb.PutItemInput{Item: sized(3000)}, nil, &types.ProvisionedThroughputExceededException{}, bill{1, 0, 0}},
	}
	for _, tt := range tests {
		if got := billOf(tt.in, tt.out, tt.err); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// What is worked out is what the service says, where it says something.
func TestWorkedOutSizesAreTheServices(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	for size := 900; size < 1150; size += 25 {
		it := keyOf("pk", "sk")
		it["text"], it["blob"], it["n"], it["m"] = str(strings.Repeat("x", size/2)), blob(make([]byte, size/2)), num(-120340), num(int64(size))
		in := &dynamodb.PutItemInput{TableName: &s.table.name, Item: it}
		told, err := s.table.client.PutItem(t.Context(), in)
		if err != nil || told.ConsumedCapacity == nil {
			t.Fatalf("the service says nothing: %v", err)
		}
		silent := *told
		silent.ConsumedCapacity = nil
		if said, worked := billOf(in, told, nil), billOf(in, &silent, nil); said != worked && math.Abs(float64(sizeOf(it)-writeSize)) > 8 {
			t.Errorf("of %d bytes: the service says %+v, we %+v", sizeOf(it), said, worked)
		}
	}
}

// Each try that was answered counts; one that got no answer, or a broken one,
// does not.
func TestEveryAnsweredTryCounts(t *testing.T) {
	t.Parallel()
	e := awstest.Emulators(t)
	queues, rows, name := awstest.NewProxy(t, e.SQS), awstest.NewProxy(t, e.DynamoDB), "costs-"+pipeline.NewID()
	makeTable(t, e, name)
	for _, tt := range []struct {
		name   string
		harm   awstest.Harm
		counts int64 // of the two tries
		units  float64
	}{
		{"throttled", awstest.Throttled(), 2, 1},
		{"broken", awstest.Broken(), 1, 1},
		{"cut", awstest.Cut(), 1, 1},
		{"lost", awstest.LostAnswer(), 1, 1},
	} {
		account := NewAccount(awstest.Config(t, awstest.Endpoints{SQS: queues.URL, DynamoDB: rows.URL}))
		table := &table{client: account.dynamodb(), name: name}
		rows.Inject(awstest.Fault{Action: "PutItem", Nth: 1, Do: tt.harm})
		if err := table.put(t.Context(), keyOf("a", "b")); err != nil {
			t.Fatal(err)
		}
		rows.Heal()
		got := account.Cost().report(time.Now()).Use
		if len(got) != 1 || got[0].Action != "PutItem" || got[0].Requests != tt.counts || got[0].Writes != tt.units || got[0].Purpose != "other" {
			t.Errorf("%s: %+v", tt.name, got)
		}
		queues.Inject(awstest.Fault{Action: "ListQueues", Nth: 1, Do: tt.harm})
		if _, err := account.sqs().ListQueues(spend(t.Context(), purposeSteps), &sqs.ListQueuesInput{}); err != nil {
			t.Fatal(err)
		}
		queues.Heal()
		got = account.Cost().report(time.Now()).Use
		if len(got) != 2 || got[1].Action != "ListQueues" || got[1].Requests != tt.counts || got[1].Purpose != "steps" {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestRefusedConditionsCount(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	account := NewAccount(awstest.Config(t, awstest.Emulators(t)))
	table := &table{client: account.dynamodbFor(purposeIdle), name: s.table.name}
	s.ok(table.put(t.Context(), keyOf("a", "b"), isNew()))
	if err := table.put(t.Context(), keyOf("a", "b"), isNew()); !refused(err) {
		t.Fatalf("the condition holds: %v", err)
	}
	got := account.Cost().report(time.Now()).Use
	if len(got) != 1 || got[0].Writes != 2 || got[0].Purpose != "idle" {
		t.Errorf("%+v", got)
	}
}

// What a request is for is what the one says who is the nearest to the reason.
func TestPurposes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	someone := pipeline.WithActor(ctx, pipeline.Actor{Name: "ada"})
	for _, tt := range []struct {
		name string
		ctx  context.Context //nolint:containedctx // what is looked at
		want purpose
	}{
		{"nothing said", ctx, purposeOther},
		{"somebody asks", someone, purposeConsole},
		{"an intake", spend(someone, purposeIntake), purposeIntake},
		{"within an intake", spend(spend(ctx, purposeIntake), purposeIdle), purposeIntake},
		{"every second", spend(ctx, purposeIdle), purposeIdle},
		{"the same, because somebody looks", spend(someone, purposeIdle), purposeConsole},
		{"on behalf of another", onBehalf(spend(ctx, purposeSteps), purposeIntake), purposeIntake},
	} {
		if got := purposeOf(tt.ctx); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestEmptyPollsAreIdleIfTheyWaited(t *testing.T) {
	t.Parallel()
	empty, full := &sqs.ReceiveMessageOutput{}, &sqs.ReceiveMessageOutput{Messages: make([]sqstypes.Message, 1)}
	for _, tt := range []struct {
		wait int32
		out  *sqs.ReceiveMessageOutput
		ctx  context.Context //nolint:containedctx // what is looked at
		want string
	}{
		{20, empty, spend(t.Context(), purposeSteps), "idle"},
		{20, full, spend(t.Context(), purposeSteps), "steps"},
		{0, empty, spend(t.Context(), purposeSteps), "steps"}, // beside one that brought something
		{20, empty, pipeline.WithActor(t.Context(), pipeline.Actor{Name: "ada"}), "console"},
	} {
		m := newMeter()
		m.count(tt.ctx, &sqs.ReceiveMessageInput{WaitTimeSeconds: tt.wait}, tt.out, nil)
		if got := m.report(time.Now()).Use; len(got) != 1 || got[0].Purpose != tt.want {
			t.Errorf("%+v: %+v", tt, got)
		}
	}
}

func TestIdleIsThatOfTheLastMinutes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 5, 14, 3, 0, 0, 0, time.UTC)
	w := &idleWindow{began: start}
	w.add(start, spent{writes: 1})
	if _, over := w.day(start.Add(4 * time.Second)); over != 0 {
		t.Errorf("four seconds are measured over %v", over)
	}
	if day, over := w.day(start.Add(time.Minute)); day.writes != 24*60 || over != time.Minute {
		t.Errorf("one a minute is %v a day, over %v", day.writes, over)
	}
	w.add(start, spent{writes: 1e6}) // before there was anything to do
	for s := range 3600 {
		w.add(start.Add(time.Duration(s)*time.Second), spent{reads: 2})
	}
	day, over := w.day(start.Add(time.Hour - time.Second))
	if day.writes != 0 || math.Abs(day.reads-2*86400) > 500 || over != 10*time.Minute-time.Second {
		t.Errorf("two a second are %+v a day, over %v", day, over)
	}
}

// A million rows of three steps cost what the design says.
func TestPriceOfAMillionRows(t *testing.T) {
	t.Parallel()
	m := newMeter()
	add := func(p purpose, service, action string, requests, reads, writes int64) {
		c := &tally{}
		c.requests.Store(requests)
		c.reads.Store(reads * whole)
		c.writes.Store(writes * whole)
		m.tallies.Store(use{service, action, p}, c)
	}
	m.accepted(1000)
	for range 3000 {
		m.processed(3)
	}
	add(purposeIntake, serviceTable, "BatchWriteItem", 80, 0, 2000)
	add(purposeIntake, serviceQueues, "SendMessageBatch", 100, 0, 0)
	add(purposeSteps, serviceQueues, "ReceiveMessage", 300, 0, 0)
	add(purposeSteps, serviceQueues, "DeleteMessageBatch", 300, 0, 0)
	add(purposeSteps, serviceQueues, "SendMessageBatch", 200, 0, 0)
	add(purposeSteps, serviceTable, "Query", 3000, 3000, 0)
	add(purposeSteps, serviceTable, "UpdateItem", 3000, 0, 3000)
	add(purposeConsole, serviceTable, "Query", 3000, 3000, 0)
	add(purposeIdle, serviceTable, "Query", 3000, 3000, 0)
	c := m.report(time.Now())
	if dollars, known := c.PerMillion(); !known || math.Abs(dollars-3.86) > 1e-9 {
		t.Errorf("$%v", dollars)
	}
	if u := c.Units; u[0].Step != 0.8/3 || u[0].Row != 0.1 || u[1].Step != 1 || u[2].Step != 1 || u[2].Row != 2 {
		t.Errorf("%+v", u)
	}
	if c.Claim != 0.625 {
		t.Errorf("a claim costs $%v a million", c.Claim)
	}
}

func TestNothingIsKnownOfNothing(t *testing.T) {
	t.Parallel()
	c := newMeter().report(time.Now())
	if dollars, known := c.PerMillion(); known || dollars != 0 || c.IdleOver != 0 || c.Month() != 0 {
		t.Errorf("%+v", c)
	}
}

// A payload is kept as it came while it takes one unit, and comes back the same.
func TestPayloadsArePackedWhereThatSavesAUnit(t *testing.T) {
	t.Parallel()
	var d deflater
	noise := make([]byte, 3000)
	for i, n := 0, uint32(1); i < len(noise); i++ {
		n = n*1664525 + 1013904223
		noise[i] = byte(n >> 24)
	}
	for _, tt := range []struct {
		name    string
		payload []byte
		units   int64
		packed  bool
	}{
		{"empty", nil, 1, false},
		{"short", []byte(`{"a":1}`), 1, false},
		{"a kilobyte", order(1024), 1, true},
		{"ten", order(10_000), 8, true},
		{"noise", noise, 3, false},
	} {
		it := keyOf("p", "s")
		d.keep(it, tt.payload)
		got, err := it.body()
		if err != nil || string(got) != string(tt.payload) {
			t.Errorf("%s: %d bytes came back as %d: %v", tt.name, len(tt.payload), len(got), err)
		}
		if units := writeUnits(it) / whole; units > tt.units || it.has(attrDeflated) != tt.packed {
			t.Errorf("%s: %d units, packed %v", tt.name, units, it.has(attrDeflated))
		}
	}
	if _, err := (item{attrDeflated: blob([]byte("nonsense"))}).body(); err == nil {
		t.Error("a damaged payload is answered")
	} else if e, ok := errors.AsType[*pipeline.Error](err); !ok || e.Code != pipeline.CodeUnavailable {
		t.Error(err)
	}
}
