package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"redrive/cmd/server/config"
)

// Exit codes.
const (
	exitFine    = 0
	exitFailed  = 1 // while running
	exitUnusual = 2 // unusable arguments or configuration
)

// cli is the command line.
type cli struct {
	Config      string `short:"c" help:"Configuration file. Without one the demonstration runs." placeholder:"FILE"`
	Check       bool   `help:"Read and check the configuration, print every mistake, start nothing."`
	Healthcheck bool   `help:"Ask the running server whether it lives; exit 0 or 1."`
	Version     bool   `help:"Print the version."`
	Listen      string `help:"Address to listen on." placeholder:"ADDR"`
	Data        string `help:"Folder of the embedded backend's file." placeholder:"DIR"`
	BasePath    string `name:"base-path" help:"Path below which everything lies." placeholder:"/x"`
	LogFormat   string `name:"log-format" help:"text or json." placeholder:"text|json"`
	Only        string `help:"With the AWS backend: console (pages, API and intake) or workers (steps, sweep and alarms); left out: all." placeholder:"console|workers"`

	Serve     serveCmd     `cmd:"" default:"withargs" hidden:""`
	Init      initCmd      `cmd:"" help:"Print a commented configuration to start from."`
	Run       runRowCmd    `cmd:"" help:"Make one step's call on one stored row from the terminal; writes nothing to the row."`
	Provision provisionCmd `cmd:"" help:"Create or update the queues, the table and the alarms on AWS, after showing what would change."`
	User      userCmd      `cmd:"" help:"Users who may sign in."`
	Audit     auditCmd     `cmd:"" help:"Look after the audit log."`
	Backup    notYetCmd    `cmd:"" help:"Not supported yet."`
	Doctor    notYetCmd    `cmd:"" help:"Not supported yet."`
}

type (
	serveCmd  struct{}
	initCmd   struct{}
	notYetCmd struct {
		Args []string `arg:"" optional:"" passthrough:""`
	}
	runRowCmd struct {
		Row    string `arg:"" help:"Id of the row."`
		Step   string `required:"" help:"Step to run." placeholder:"STEP"`
		DryRun bool   `name:"dry-run" help:"Only show the request."`
	}
)

// terminal is where the program speaks.
type terminal struct {
	out, err io.Writer
	in       io.Reader
	asks     bool // somebody can answer
	env      config.Env
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("server"), kong.Writers(t.out, t.err), kong.UsageOnError(),
		kong.Description("Redrive: a replay console and worker for storage-first pipelines."))
	if err != nil {
		fmt.Fprintln(t.err, err)
		return exitUnusual
	}
	exited := -1
	parser.Exit = func(code int) { exited = code }
	parsed, err := parser.Parse(args)
	switch {
	case exited >= 0:
		return exited
	case err != nil:
		fmt.Fprintf(t.err, "server: %v\n", err)
		return exitUnusual
	case c.Version:
		fmt.Fprintln(t.out, "redrive "+version())
		return exitFine
	}
	return c.dispatch(ctx, parsed.Command(), t)
}

func (c *cli) dispatch(ctx context.Context, command string, t terminal) int {
	switch {
	case command == "init":
		fmt.Fprint(t.out, config.Example())
		return exitFine
	case command == "serve" && c.Healthcheck:
		return c.healthcheck(ctx, t)
	case command == "serve" && c.Check:
		return c.check(ctx, t)
	case command == "serve":
		return c.serve(ctx, t)
	case len(command) >= 3 && command[:3] == "run":
		return c.runRow(ctx, t)
	case strings.HasPrefix(command, "user add"):
		return c.addUser(ctx, t)
	case command == "audit verify":
		return c.verifyAudit(ctx, t)
	case command == "provision":
		return c.provision(ctx, t)
	}
	fmt.Fprintf(t.err, "server: %s is not supported yet\n", command)
	return exitUnusual
}

func (c *cli) overrides() config.Overrides {
	return config.Overrides{Listen: c.Listen, Data: c.Data, BasePath: c.BasePath, LogFormat: c.LogFormat, Only: c.Only}
}

// load reads the configuration or prints all that is wrong with it.
func (c *cli) load(t terminal) (*config.Config, bool) {
	cfg, mistakes := config.Load(c.Config, c.overrides().WithEnv(t.env), t.env)
	for _, m := range mistakes {
		fmt.Fprintln(t.err, m)
	}
	return cfg, len(mistakes) == 0
}

func (c *cli) check(ctx context.Context, t terminal) int {
	if c.Config == "" {
		fmt.Fprintln(t.err, "server: --check needs --config FILE")
		return exitUnusual
	}
	cfg, ok := c.load(t)
	if !ok {
		return exitUnusual
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(t.err, w)
	}
	c.tellOfExposed(t, cfg)
	if err := c.tellOfGone(ctx, t, cfg); err != nil {
		fmt.Fprintf(t.err, "%s: the rows stored so far could not be looked at: %v\n", c.Config, err)
	}
	fmt.Fprintf(t.out, "%s: no mistakes\n", c.Config)
	return exitFine
}

// fail prints one sentence.
func (t terminal) fail(err error) int {
	fmt.Fprintf(t.err, "server: %v\n", err)
	return exitFailed
}

func lookupEnv(name string) (string, bool) { return os.LookupEnv(name) }
