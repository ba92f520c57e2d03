package awstest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// sharedEmulators starts them on first use. It is a variable of the package
// because nothing else lives as long as a test process does, and every test of
// one shares its emulators: starting them takes half a second.
var sharedEmulators = sync.OnceValues(startEmulators)

// Emulators returns the addresses of SQS and DynamoDB emulators that belong to
// this test process and end with it. Tests share them, so each uses queue and
// table names of its own.
func Emulators(t testing.TB) Endpoints {
	t.Helper()
	e, err := sharedEmulators()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range []*process{e.sqs, e.dynamodb} {
			if end := p.ended(); end != "" && t.Failed() {
				t.Logf("%s has ended: %s", p.script, end)
			}
		}
	})
	return Endpoints{SQS: e.sqs.url, DynamoDB: e.dynamodb.url}
}

// emulators holds what must not be collected as garbage: a process whose
// standard input is closed ends.
type emulators struct {
	sqs, dynamodb *process
}

func startEmulators() (*emulators, error) {
	folder, err := emulatorsFolder()
	if err != nil {
		return nil, err
	}
	var e emulators
	var sqsErr, dynamoErr error
	var both sync.WaitGroup
	both.Go(func() { e.sqs, sqsErr = launch(folder, "sqs.mjs") })
	both.Go(func() { e.dynamodb, dynamoErr = launch(folder, "dynamodb.mjs") })
	both.Wait()
	return &e, errors.Join(sqsErr, dynamoErr)
}

// emulatorsFolder is REDRIVE_EMULATORS or the .ci beside the nearest go.mod.
func emulatorsFolder() (string, error) {
	folder := os.Getenv("REDRIVE_EMULATORS")
	if folder == "" {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		folder = filepath.Join(root, ".ci")
	}
	for _, needed := range []string{nodePath, "node_modules/fauxqs", "node_modules/dynalite"} {
		if _, err := os.Stat(filepath.Join(folder, needed)); err != nil {
			return "", fmt.Errorf("the emulators of SQS and DynamoDB are not installed: run .ci/test, which fetches them (%w)", err)
		}
	}
	return folder, nil
}

func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the emulators: %w", err)
	}
	for folder := start; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("looking for the emulators: no go.mod in or above %s; run .ci/test, or set REDRIVE_EMULATORS to the path of .ci", start)
		}
	}
}
