package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"redrive/pipeline/aws/awstest"
)

// onAWS begins the name of every test that runs the program on the AWS backend.
const onAWS = "TestAWS"

// patienceAWS is longer: what a killed process had taken is hidden for half a minute.
const patienceAWS = 120 * time.Second

// keepToItself lets nothing that runs in this process, or is started by it, find
// another account than the one of the tests.
func keepToItself() {
	for _, variable := range awstest.Env(awstest.Endpoints{}) {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
}

// account is an AWS account with names of its own: real emulators of SQS and
// DynamoDB behind proxies that can do harm, and fakes of the rest.
type account struct {
	prefix        string
	settings      string            // more of the section aws
	at            awstest.Endpoints // one address a service, for programs in processes of their own
	url           string            // one address for all, for those in this process
	sqs, dynamodb *awstest.Proxy
	cloudwatch    *awstest.CloudWatchFake
	sns           *awstest.SNSFake
	lambda        *awstest.LambdaFake

	mu        sync.Mutex
	functions map[string]function
}

type function func(payload []byte) awstest.LambdaAnswer

func newAccount(t *testing.T) *account {
	t.Helper()
	e := awstest.Emulators(t)
	a := &account{prefix: "p" + strings.ToLower(rand.Text()[:8]) + "-", functions: map[string]function{}, sqs: awstest.NewProxy(t, e.SQS), dynamodb: awstest.NewProxy(t, e.DynamoDB),
		cloudwatch: awstest.CloudWatch(t), sns: awstest.SNS(t)}
	a.lambda = awstest.Lambda(t, a.invoke)
	a.sqs.Inject(awstest.Fault{Action: "ReceiveMessage", Do: pollsOf(time.Second)})
	sts := awstest.STS(t)
	a.at = awstest.Endpoints{SQS: a.sqs.URL, DynamoDB: a.dynamodb.URL, CloudWatch: a.cloudwatch.URL, SNS: a.sns.URL, Lambda: a.lambda.URL, STS: sts.URL}
	door := httptest.NewServer(services{"sqs": a.sqs, "dynamodb": a.dynamodb, "monitoring": a.cloudwatch, "sns": a.sns, "lambda": a.lambda, "sts": sts})
	t.Cleanup(func() {
		door.CloseClientConnections() // a long poll does not hold up the end of a test
		door.Close()
	})
	a.url = door.URL
	return a
}

// services are reached by one address, as those of another maker's emulator are.
// The signature says which is meant.
type services map[string]http.Handler

func (s services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for part := range strings.SplitSeq(r.Header.Get("Authorization"), "/") {
		if service := s[part]; service != nil {
			service.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "no such service", http.StatusNotFound)
}

// backend is the section of the configuration.
func (a *account) backend() string {
	return "backend: aws\naws: {region: " + awstest.Region + ", prefix: " + a.prefix + ", endpoint: \"" + a.url + "\"" + a.settings + "}"
}

// env is the environment of a program in a process of its own.
func (a *account) env() []string { return awstest.Env(a.at) }

// on makes a Lambda function.
func (a *account) on(name string, f function) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.functions[name] = f
}

func (a *account) invoke(name string, payload []byte) awstest.LambdaAnswer {
	a.mu.Lock()
	f := a.functions[name]
	a.mu.Unlock()
	if f == nil {
		return awstest.NoSuchFunction(name)
	}
	return f(payload)
}

// pollsOf makes long polls short: the program waits for them when it ends. SQS
// may answer sooner than it was asked to.
func pollsOf(most time.Duration) awstest.Harm {
	return func(next awstest.Handle) awstest.Handle {
		return func(c *awstest.Call) *awstest.Answer {
			var request map[string]any
			if err := json.Unmarshal(c.Body, &request); err != nil {
				return next(c)
			}
			if wait, ok := request["WaitTimeSeconds"].(float64); ok {
				request["WaitTimeSeconds"] = min(wait, most.Seconds())
			}
			short := *c
			short.Body, _ = json.Marshal(request)
			return next(&short)
		}
	}
}
