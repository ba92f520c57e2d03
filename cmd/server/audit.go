package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/aws"
	"redrive/pipeline/sqlite"
)

// auditCmd looks after the audit log.
type auditCmd struct {
	Verify struct {
		Head []string `help:"A head that the server logged as \"audit head\": the log must have it. May be given several times." placeholder:"N:HASH"`
	} `cmd:"" help:"Check that no entry of the audit log was changed, taken out, put in or moved, and that its end was not cut off."`
}

// verifyAudit reads the whole log, while a server may write it, and changes
// nothing.
func (c *cli) verifyAudit(ctx context.Context, t terminal) int {
	if c.Config == "" {
		fmt.Fprintln(t.err, "server: audit verify needs --config FILE: it says where the audit log is")
		return exitUnusual
	}
	heads := make([]pipeline.AuditHead, len(c.Audit.Verify.Head))
	for i, text := range c.Audit.Verify.Head {
		var err error
		if heads[i], err = pipeline.ParseAuditHead(text); err != nil {
			fmt.Fprintf(t.err, "server: --head: %v\n", err)
			return exitUnusual
		}
	}
	cfg, ok := c.load(t)
	if !ok {
		return exitUnusual
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	check, err := checkAudit(ctx, cfg, heads)
	if err != nil {
		return t.fail(plain(err))
	}
	if check.Bad != nil {
		return t.fail(fmt.Errorf("the audit log in %s is not as it was written: %s", placeOf(cfg), check.Bad.Sentence()))
	}
	fmt.Fprintln(t.out, auditSentence(check))
	return exitFine
}

func checkAudit(ctx context.Context, cfg *config.Config, heads []pipeline.AuditHead) (pipeline.AuditCheck, error) {
	if cfg.Backend == "aws" {
		account, err := login(ctx, cfg)
		if err != nil {
			return pipeline.AuditCheck{}, err
		}
		log, records := aws.Log(ctx, awsConfig(cfg, account))
		return pipeline.VerifyAudit(ctx, log, records, pipeline.AuditBounds{}, heads...)
	}
	db, err := sqlite.OpenReadOnly(ctx, sqlite.Config{Path: cfg.Embedded.Path})
	if err != nil {
		return pipeline.AuditCheck{}, err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	b := db.Backend()
	return pipeline.VerifyAudit(ctx, b.Audit, b.Records, pipeline.AuditBounds{}, heads...)
}

// auditSentence is "N entries, chain intact, head N:HASH".
func auditSentence(check pipeline.AuditCheck) string {
	text := fmt.Sprintf("%d entries, chain intact", check.Entries)
	if check.Chains > 1 {
		text = fmt.Sprintf("%d entries in %d chains, chains intact", check.Entries, check.Chains)
	}
	if check.Head.Number > 0 {
		text += ", head " + check.Head.Head()
	}
	if check.Before > 0 {
		text += fmt.Sprintf("; %d of them are from before there was a chain, and nothing vouches for them", check.Before)
	}
	return text
}
