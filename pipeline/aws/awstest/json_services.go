package awstest

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

// nameJSON reads what AWS JSON 1.0 says in a header.
func nameJSON(c *Call) {
	c.Target = c.Header.Get("X-Amz-Target")
	service, action, _ := strings.Cut(c.Target, ".")
	c.Action, c.service = action, dynamoService()
	if service == "AmazonSQS" {
		c.service = sqsService()
	}
}

func dynamoService() *service {
	return &service{
		refuse: refuseDynamo,
		throttling: []Refusal{
			{400, "ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."},
			{400, "ThrottlingException", "Rate of requests exceeds the allowed throughput."},
		},
		broken: Refusal{500, "InternalServerError", "Internal server error"},
		denied: func(c *Call) Refusal {
			var named struct {
				TableName    string
				RequestItems map[string]json.RawMessage
			}
			_ = json.Unmarshal(c.Body, &named) // what is not there is not named
			for table := range named.RequestItems {
				named.TableName = table
			}
			return Refusal{400, "AccessDeniedException", notAuthorized("dynamodb:"+c.Action, arn("dynamodb", "table/"+path.Base("/"+named.TableName)))}
		},
	}
}

func refuseDynamo(_ *Call, r Refusal) *Answer {
	if r.Code == "AccessDeniedException" {
		return answerJSON(r.Status, map[string]string{"__type": "com.amazon.coral.service#" + r.Code, "Message": r.Message})
	}
	return answerJSON(r.Status, map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + r.Code, "message": r.Message})
}

func sqsService() *service {
	return &service{
		refuse: refuseSQS,
		throttling: []Refusal{
			{400, "RequestThrottled", "Request is throttled."},
			{400, "ThrottlingException", "Rate exceeded"},
		},
		broken: Refusal{500, "InternalFailure", "We encountered an internal error. Please try again."},
		denied: func(c *Call) Refusal {
			var named struct{ QueueName, QueueUrl string }
			_ = json.Unmarshal(c.Body, &named) // what is not there is not named
			action := "sqs:" + strings.ToLower(strings.TrimSuffix(c.Action, "Batch"))
			return Refusal{403, "AccessDenied", notAuthorized(action, arn("sqs", path.Base("/"+named.QueueName+named.QueueUrl)))}
		},
	}
}

// refuseSQS gives the code twice: SQS spoke another protocol once, and clients
// still go by that one's codes.
func refuseSQS(_ *Call, r Refusal) *Answer {
	kind := strings.Replace(r.Code, "AccessDenied", "AccessDeniedException", 1)
	a := answerJSON(r.Status, map[string]string{"__type": "com.amazonaws.sqs#" + kind, "message": r.Message})
	a.Header.Set("X-Amzn-Query-Error", r.Code+";"+side(r))
	return a
}

// side says whose fault it is, in AWS's old protocol.
func side(r Refusal) string {
	if r.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func answerJSON(status int, body any) *Answer {
	return &Answer{Status: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: mustJSON(body)}
}
