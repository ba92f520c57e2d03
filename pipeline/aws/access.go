package aws

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"redrive/pipeline"
)

// probe is one request that shows whether an action is allowed and can change
// nothing: it fails for another reason if it is.
type probe struct {
	action, resource string
	ask              func(context.Context) error
}

// Access asks for every action this process needs of the table and the queues.
// The error is a sentence that names each one that is forbidden. What else goes
// wrong meanwhile is no answer to the question and passes.
func (p *Provisioner) Access(ctx context.Context) error {
	probes := p.tableProbes()
	queues := p.stepQueues()
	perQueue := make([][]probe, len(queues)+len(p.pipelines))
	err := eachOf(len(perQueue), func(i int) error {
		var err error
		if i < len(queues) {
			perQueue[i], err = p.queueProbes(ctx, queues[i].name, true, p.bp.Only != pipeline.OnlyConsole)
		} else if source := p.pipelines[i-len(queues)].SourceQueue; source != "" {
			perQueue[i], err = p.queueProbes(ctx, source, false, p.bp.Only != pipeline.OnlyWorkers)
		}
		return err
	})
	if err != nil {
		return err
	}
	probes = slices.Concat(probes, slices.Concat(perQueue...))
	forbidden := make([]error, len(probes))
	each(len(probes), func(i int) {
		if err := probes[i].ask(ctx); isDenied(err) {
			forbidden[i] = err
		}
	})
	return denials(probes, forbidden)
}

// denials is one sentence for all.
func denials(probes []probe, errs []error) error {
	var list []string
	for i, err := range errs {
		if err != nil {
			list = append(list, probes[i].action+" on "+probes[i].resource)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Err: cmp.Or(errs...),
		Text: fmt.Sprintf("this identity may not do %s; `server provision --print iam` prints the policy it needs", listed(list))}
}

// isDenied: the credentials are good, the policy is not.
func isDenied(err error) bool {
	return slices.Contains([]string{"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException",
		"KmsAccessDenied", "KMS.AccessDeniedException"}, codeOf(err))
}

// isRejected: the credentials themselves are refused, for everything.
func isRejected(err error) bool {
	return slices.Contains([]string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "MissingAuthenticationToken"}, codeOf(err))
}

// eachOf does something n times, some at once. The error has every sentence
// there was, each once.
func eachOf(n int, do func(i int) error) error {
	errs := make([]error, n)
	each(n, func(i int) { errs[i] = do(i) })
	var texts []string
	for _, err := range errs {
		if err != nil && !slices.Contains(texts, said(err)) {
			texts = append(texts, said(err))
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeUnavailable, Text: strings.Join(texts, "; "), Err: cmp.Or(errs...)}
}
