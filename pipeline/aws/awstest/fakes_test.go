package awstest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"redrive/pipeline/aws/awstest"
)

func TestSNSKeepsWhatIsPublished(t *testing.T) {
	t.Parallel()
	fake := awstest.SNS(t)
	c := sns.NewFromConfig(once(awstest.Config(t, awstest.Endpoints{SNS: fake.URL})))
	publish := func(in sns.PublishInput) error {
		in.Message = sdkaws.String("dead <letters> & more")
		_, err := c.Publish(t.Context(), &in)
		return err
	}
	if err := publish(sns.PublishInput{PhoneNumber: sdkaws.String("+491700000000"), MessageAttributes: map[string]snstypes.MessageAttributeValue{
		"AWS.SNS.SMS.SMSType": {DataType: sdkaws.String("String"), StringValue: sdkaws.String("Transactional")},
	}}); err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: sdkaws.String("alarms"), Attributes: map[string]string{"DisplayName": "Redrive"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(sns.PublishInput{TopicArn: made.TopicArn, Subject: sdkaws.String("Alarm")}); err != nil {
		t.Fatal(err)
	}
	got := fake.Published()
	if len(got) != 2 || got[0].PhoneNumber != "+491700000000" || got[0].Attributes["AWS.SNS.SMS.SMSType"] != "Transactional" ||
		got[0].Message != "dead <letters> & more" || got[1].TopicARN != *made.TopicArn || got[1].Subject != "Alarm" {
		t.Errorf("%+v", got)
	}
	if other := fake.AddTopic("other"); !slices.Equal(fake.Topics(), []string{*made.TopicArn, other}) {
		t.Errorf("%q", fake.Topics())
	}
	attributes, err := c.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: made.TopicArn})
	if err != nil || attributes.Attributes["DisplayName"] != "Redrive" {
		t.Errorf("%+v, %v", attributes, err)
	}

	if err := publish(sns.PublishInput{TopicArn: sdkaws.String(*made.TopicArn + "x")}); code(err) != "NotFound" {
		t.Errorf("a topic that is not there: %v", err)
	}
	if err := publish(sns.PublishInput{PhoneNumber: sdkaws.String("0170")}); code(err) != "InvalidParameter" {
		t.Errorf("no phone number: %v", err)
	}
	fake.Inject(awstest.Fault{Action: "Publish", Do: awstest.Denied()})
	if err := publish(sns.PublishInput{TopicArn: made.TopicArn}); code(err) != "AuthorizationError" || !strings.Contains(err.Error(), "SNS:Publish on resource: "+*made.TopicArn) {
		t.Errorf("denied: %v", err)
	}
}

func TestSTSSaysWhoTheCallerIs(t *testing.T) {
	t.Parallel()
	fake := awstest.STS(t)
	c := sts.NewFromConfig(once(awstest.Config(t, awstest.Endpoints{STS: fake.URL})))
	got, err := c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *got.Account != awstest.AccountID {
		t.Errorf("%+v, %v", got, err)
	}
	fake.Inject(awstest.Fault{Do: awstest.Refused(awstest.Refusal{Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."})})
	if _, err := c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); code(err) != "InvalidClientTokenId" {
		t.Error(err)
	}
}

func TestLambdaCallsFunctionsOfTheTest(t *testing.T) {
	t.Parallel()
	fake := awstest.Lambda(t, func(name string, payload []byte) awstest.LambdaAnswer {
		switch name {
		case "fails":
			return awstest.LambdaAnswer{Payload: []byte(`{"errorMessage":"boom","errorType":"Error"}`), FunctionError: "Unhandled"}
		case "busy":
			return awstest.TooManyRequests("7")
		case "busier":
			return awstest.TooManyRequests("")
		case "echo":
			return awstest.LambdaAnswer{Payload: payload}
		default:
			return awstest.NoSuchFunction(name)
		}
	})
	c := lambda.NewFromConfig(once(awstest.Config(t, awstest.Endpoints{Lambda: fake.URL})))
	invoke := func(name string) (*lambda.InvokeOutput, error) {
		return c.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"a":1}`)})
	}
	if got, err := invoke("echo"); err != nil || string(got.Payload) != `{"a":1}` || got.FunctionError != nil || got.StatusCode != 200 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := invoke("fails"); err != nil || sdkaws.ToString(got.FunctionError) != "Unhandled" || !strings.Contains(string(got.Payload), "boom") {
		t.Errorf("%+v, %v", got, err)
	}
	for name, wait := range map[string]string{"busy": "7", "busier": ""} {
		_, err := invoke(name)
		busy, ok := errors.AsType[*lambdatypes.TooManyRequestsException](err)
		if !ok || sdkaws.ToString(busy.RetryAfterSeconds) != wait || busy.ErrorMessage() != "Rate Exceeded." {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := invoke("never"); code(err) != "ResourceNotFoundException" || !strings.Contains(err.Error(), "function:never") {
		t.Errorf("%v", err)
	}
	arn := "arn:aws:lambda:eu-west-1:000000000000:function:echo"
	if _, err := invoke(arn); code(err) != "ResourceNotFoundException" || fake.Invocations()[len(fake.Invocations())-1].Function != arn {
		t.Errorf("%v", err)
	}
	fake.Inject(awstest.Fault{Do: awstest.Denied()})
	if _, err := invoke("echo"); code(err) != "AccessDeniedException" || !strings.Contains(err.Error(), "lambda:InvokeFunction on resource: arn:aws:lambda:eu-west-1:000000000000:function:echo ") {
		t.Errorf("%v", err)
	}
	if n := len(fake.Invocations()); n != 6 || fake.Count("Invoke") != 7 {
		t.Errorf("%d of %d calls got through", n, fake.Count("Invoke"))
	}
}
