package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"redrive/cmd/server/config"
	"redrive/pipeline/aws"
)

type provisionCmd struct {
	Print  string `enum:",cloudformation,iam" default:"" help:"Print a CloudFormation template, or a least-privilege IAM policy, for this configuration, and change nothing." placeholder:"cloudformation|iam"`
	DryRun bool   `name:"dry-run" help:"Only show what would change."`
	Yes    bool   `help:"Do not ask on a terminal before changing something."`
}

const (
	identifyFor  = 3 * time.Second // who asks for a policy need not be known
	policyMost   = 6144            // characters of a managed policy of IAM, white space not counted
	templateMost = 51_200          // bytes of a template that is not in S3
)

// provision shows what on AWS is not as the configuration says and, unless told
// otherwise, makes it so.
func (c *cli) provision(ctx context.Context, t terminal) int {
	if c.Config == "" {
		fmt.Fprintln(t.err, "server: provision needs --config FILE: it says what has to be on AWS")
		return exitUnusual
	}
	cfg, ok := c.load(t)
	if !ok {
		return exitUnusual
	}
	if cfg.Backend != "aws" {
		fmt.Fprintf(t.err, "server: %s says backend: %s, which needs nothing on AWS; with backend: aws there is something to provision\n", c.Config, cfg.Backend)
		return exitUnusual
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if c.Provision.Print == "cloudformation" {
		return t.printTemplate(cfg)
	}
	account, err := aws.Login(ctx, cfg.AWS.Region, cfg.AWS.Endpoint)
	if err != nil {
		return t.refuse(err)
	}
	if c.Provision.Print == "iam" {
		return t.printPolicy(ctx, cfg, account)
	}
	if err := account.Check(ctx); err != nil {
		return t.refuse(err)
	}
	return c.change(ctx, t, cfg, aws.NewProvisioner(awsConfig(cfg, account), blueprint(cfg)))
}

func (t terminal) printTemplate(cfg *config.Config) int {
	text := aws.NewProvisioner(awsConfig(cfg, nil), blueprint(cfg)).CloudFormation()
	fmt.Fprint(t.out, text)
	if len(text) > templateMost {
		fmt.Fprintf(t.err, "server: the template has %d bytes, and CloudFormation takes at most %d directly: put it into a bucket on S3 first\n", len(text), templateMost)
	}
	return exitFine
}

func (t terminal) printPolicy(ctx context.Context, cfg *config.Config, account *aws.Account) int {
	asking, cancel := context.WithTimeout(ctx, identifyFor)
	defer cancel()
	who, err := account.Identify(asking)
	if err != nil {
		fmt.Fprintln(t.err, "server: the account is not known, so that the policy says * in its place")
	}
	text := aws.NewProvisioner(awsConfig(cfg, account), blueprint(cfg)).Policy(who, cfg.AWS.Provision)
	fmt.Fprint(t.out, text)
	if n := len(strings.Join(strings.Fields(text), "")); n > policyMost {
		fmt.Fprintf(t.err, "server: the policy has %d characters, and a managed policy of IAM holds %d: make two of its statements, or put it into the role itself\n", n, policyMost)
	}
	for _, q := range cfg.Queues {
		if q.Name != "" {
			fmt.Fprintln(t.err, "server: messages can be moved to the queues of `queues:` alone: name there also where they come from and may go to")
			break
		}
	}
	return exitFine
}

// change shows the plan and carries it out.
func (c *cli) change(ctx context.Context, t terminal, cfg *config.Config, p *aws.Provisioner) int {
	plan, err := p.Plan(ctx)
	if err != nil {
		return t.refuse(err)
	}
	missing, err := p.Missing(ctx)
	if err != nil {
		return t.refuse(err)
	}
	var elsewhere []string
	for _, text := range slices.Concat(missing.Elsewhere(), p.Reach(ctx)) {
		elsewhere = appendNew(elsewhere, "missing: "+text)
	}
	for _, line := range slices.Concat(elsewhere, plan.Lines()) {
		fmt.Fprintln(t.out, line)
	}
	switch {
	case !cfg.AWS.Provision:
		fmt.Fprintln(t.out, "Nothing was changed: the configuration says aws.provision: false.")
		if err := missing.Err(); err != nil {
			return t.refuse(err)
		}
		return exitFine
	case c.Provision.DryRun:
		fmt.Fprintln(t.out, "Dry run: nothing was changed.")
		return exitFine
	case len(plan.Changes) > 0 && !c.Provision.Yes && !t.agree("Apply?"):
		fmt.Fprintln(t.out, "Nothing was changed.")
		return exitFine
	}
	if err := p.Apply(ctx, plan, func(line string) { fmt.Fprintln(t.out, line) }); err != nil {
		return t.refuse(err)
	}
	if n := len(plan.Problems); n > 0 {
		return t.refuse(fmt.Errorf("the rest is done; for what is left see the lines that begin with \"problem\" (%d)", n))
	}
	return exitFine
}

// refuse says the sentence of an error, without the SDK's own account of it.
func (t terminal) refuse(err error) int { return t.fail(plain(err)) }

// agree asks the person at the terminal. Without one it is agreed.
func (t terminal) agree(question string) bool {
	if !t.asks {
		return true
	}
	fmt.Fprint(t.out, question+" [y/N] ")
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if errors.Is(err, io.EOF) {
		fmt.Fprintln(t.out)
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// isTerminal tells whether somebody can type an answer. The null device is a
// device of characters too.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
