package awstest_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline/aws/awstest"
)

func TestEmulatorsTakeAndGiveBack(t *testing.T) {
	t.Parallel()
	cfg := awstest.Config(t, awstest.Emulators(t))
	q, b := newQueue(t, cfg), newTable(t, cfg)
	if err := q.send(t, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := q.bodies(t, 1); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("received %q", got)
	}
	if err := b.put(t, "a"); err != nil {
		t.Fatal(err)
	}
	if !b.has(t, "a") || b.has(t, "b") {
		t.Error("the table does not have just the item that was put")
	}
}

// A process that ends leaves a long poll behind; what is sent later is not for it.
func TestMessagesAreNotGivenToCallersThatHungUp(t *testing.T) {
	t.Parallel()
	q := newQueue(t, awstest.Config(t, awstest.Emulators(t)))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := q.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q.url, WaitTimeSeconds: 20}); err == nil {
		t.Fatal("a long poll of an empty queue ended by itself")
	}
	time.Sleep(100 * time.Millisecond) // until the emulator has noticed
	if err := q.send(t, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := q.bodies(t, 5); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("received %q", got)
	}
}

// dynalite would end, and every later test of this process would fail.
func TestEmulatorsSurviveCallersThatHangUpInTheMiddleOfARequest(t *testing.T) {
	t.Parallel()
	e := awstest.Emulators(t)
	for _, address := range []string{e.SQS, e.DynamoDB} {
		for range 5 {
			c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")); err != nil {
				t.Fatal(err)
			}
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	}
	cfg := awstest.Config(t, e)
	newQueue(t, cfg)
	newTable(t, cfg)
}
