package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/term"

	"redrive/cmd/server/config"
	"redrive/pipeline"
	"redrive/pipeline/access"
	"redrive/pipeline/aws"
	"redrive/pipeline/sqlite"
)

type userCmd struct {
	Add userAddCmd `cmd:"" help:"Add a user; the password is asked for, or read from standard input."`
}

type userAddCmd struct {
	Name string `arg:"" help:"Name to sign in with: letters a to z, digits and . _ @ + -."`
	Role string `required:"" enum:"viewer,operator,admin" help:"viewer, operator or admin." placeholder:"ROLE"`
}

// addUser adds a user, while the server may run.
func (c *cli) addUser(ctx context.Context, t terminal) int {
	if c.Config == "" {
		fmt.Fprintln(t.err, "server: user add needs --config FILE: it says where users are kept")
		return exitUnusual
	}
	cfg, ok := c.load(t)
	if !ok {
		return exitUnusual
	}
	if !cfg.Auth.Local {
		fmt.Fprintf(t.err, "server: %s lets no users of its own sign in; add auth: {local: true}\n", c.Config)
		return exitUnusual
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	password, err := t.password()
	if err == nil {
		err = access.CheckPassword(strings.ToLower(c.User.Add.Name), password)
	}
	if err != nil {
		fmt.Fprintf(t.err, "server: %v\n", plain(err))
		return exitUnusual
	}
	records, audit, done, err := openPapers(ctx, cfg)
	if err != nil {
		return t.fail(plain(err))
	}
	defer done()
	doorman, err := access.New(access.Config{Records: records, Audit: audit, Provider: cfg.Auth.OIDC != nil})
	if err != nil {
		return t.fail(err)
	}
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: "local", Role: string(access.Admin), From: "terminal of " + osUser()})
	u, _, err := doorman.AddUser(ctx, access.NewUser{Name: c.User.Add.Name, Password: password, Role: access.Role(c.User.Add.Role), Reason: "server user add"})
	if err != nil {
		return t.fail(plain(err))
	}
	fmt.Fprintf(t.out, "Added %s, %s.\n", u.Name, u.Role)
	return exitFine
}

func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}

// passwordMost bounds what is read of standard input.
const passwordMost = 8 << 10

// password asks twice at a terminal, and else reads the first line of standard
// input. An argument would be seen by everybody who lists processes.
func (t terminal) password() (string, error) {
	in, isFile := t.in.(*os.File)
	if !t.asks || !isFile {
		line, err := bufio.NewReader(io.LimitReader(t.in, passwordMost)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("no password came in on standard input")
		}
		return line, nil
	}
	first, err := t.hidden(in, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := t.hidden(in, "Once more: ")
	if err == nil && first != second {
		err = errors.New("the two are not the same; nobody was added")
	}
	return first, err
}

func (t terminal) hidden(in *os.File, prompt string) (string, error) {
	fmt.Fprint(t.err, prompt)
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(t.err)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return string(text), nil
}

// openPapers opens records and audit beside a server that may run.
func openPapers(ctx context.Context, c *config.Config) (pipeline.RecordStore, pipeline.AuditLog, func(), error) {
	if c.Backend == "aws" {
		account, err := login(ctx, c)
		if err != nil {
			return nil, nil, nil, err
		}
		audit, records := aws.Log(ctx, awsConfig(c, account))
		return records, audit, func() {}, nil
	}
	sc := sqlite.Config{Path: c.Embedded.Path, Durability: c.Embedded.Durability}
	if _, err := os.Stat(filepath.Join(c.Embedded.Path, sqlite.FileName)); errors.Is(err, fs.ErrNotExist) {
		db, err := sqlite.Open(ctx, sc) // the first user may be there before the server
		if err != nil {
			return nil, nil, nil, err
		}
		if err := db.Close(); err != nil {
			return nil, nil, nil, err
		}
	}
	db, err := sqlite.OpenBeside(ctx, sc)
	if err != nil {
		return nil, nil, nil, err
	}
	b := db.Backend()
	return b.Records, b.Audit, func() { _ = db.Close() }, nil // what was written is durable
}
