package awstest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"redrive/pipeline/aws/awstest"
)

// Not parallel: it changes the environment.
func TestEnvironmentLeadsToTheEndpointsAndNowhereElse(t *testing.T) {
	for _, assignment := range awstest.Env(awstest.Endpoints{SQS: awstest.Emulators(t).SQS}) {
		name, value, _ := strings.Cut(assignment, "=")
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Error(err)
	}
	if _, err := dynamodb.NewFromConfig(once(cfg)).ListTables(t.Context(), &dynamodb.ListTablesInput{}); err == nil {
		t.Error("a service without an address answers")
	}
}
