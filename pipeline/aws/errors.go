package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"redrive/pipeline"
)

// failure turns an error of the SDK into one of the pipeline's, in a sentence
// that names the action and the resource. action is "dynamodb:PutItem",
// resource "table redrive-rows". Errors are told apart by their codes.
func failure(err error, action, resource string) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*pipeline.Error](err); ok {
		return err
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: sentence(err, action, resource), Err: err}
}

func sentence(err error, action, resource string) string {
	switch code := codeOf(err); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s on %s was not answered in time", action, resource)
	case slices.Contains([]string{"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException"}, code):
		return fmt.Sprintf("this identity may not do %s on %s; `server provision --print iam` prints the policy it needs", action, resource)
	case isMissing(err):
		return fmt.Sprintf("%s does not exist in this region and account (%s); `server provision` creates what is missing", resource, action)
	case slices.Contains([]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature"}, code):
		return fmt.Sprintf("AWS does not accept these credentials (%s at %s on %s)", code, action, resource)
	case isThrottled(err):
		return fmt.Sprintf("AWS throttles %s on %s", action, resource)
	case code != "":
		return fmt.Sprintf("%s on %s failed with %s", action, resource, code)
	}
	return fmt.Sprintf("no answer to %s on %s", action, resource)
}

// codeOf is the code of an answer, empty where there was no answer.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func isMissing(err error) bool {
	if _, ok := errors.AsType[*dynamotypes.ResourceNotFoundException](err); ok {
		return true
	}
	if _, ok := errors.AsType[*sqstypes.QueueDoesNotExist](err); ok {
		return true
	}
	return codeOf(err) == "AWS.SimpleQueueService.NonExistentQueue"
}

func isThrottled(err error) bool {
	return slices.Contains([]string{"ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestThrottled",
		"RequestLimitExceeded", "TooManyRequestsException", "RequestThrottledException", "OverLimit"}, codeOf(err))
}

// isUnknown: the service does not know the action. Emulators and some regions
// lack a few; what they are for is then not to be had, which is no failure. One
// that does not even speak the service's protocol has nothing but the status.
func isUnknown(err error) bool {
	if status := statusOf(err); codeOf(err) == "" && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented) {
		return true
	}
	return slices.Contains([]string{"UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented", "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"}, codeOf(err))
}

// refused tells whether a conditional write found something else than it asked
// for.
func refused(err error) bool {
	_, ok := errors.AsType[*dynamotypes.ConditionalCheckFailedException](err)
	return ok
}
