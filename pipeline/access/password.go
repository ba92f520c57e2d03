package access

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/trustelem/zxcvbn"
	"golang.org/x/text/unicode/norm"

	"redrive/pipeline"
)

// Passwords are of PasswordLeast to PasswordMost characters.
const (
	PasswordLeast = 12
	PasswordMost  = 128

	passwordBytes = 4 * PasswordMost // what is longer is not even counted
	guessable     = 1e6              // one that is found within so many tries is refused
	guessRead     = 64               // characters the estimate looks at: it takes longer than linear
	hashesAtOnce  = 2                // each takes 46 MiB and a core
	hashWait      = 3 * time.Second  // for one of them
)

// passwordCost is what the OWASP cheat sheet on password storage asks for at
// least: 46 MiB, one pass, one thread.
var passwordCost = argon2id.Params{Memory: 46 << 10, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwords hashes and compares, few at a time.
type passwords struct {
	cost  *argon2id.Params
	free  chan struct{}
	dummy string // compared with where there is no user, so that both take as long
}

func newPasswords(cost argon2id.Params) (*passwords, error) {
	dummy, err := argon2id.CreateHash(newSecret(), &cost)
	if err != nil {
		return nil, fmt.Errorf("hashing a password: %w", err)
	}
	return &passwords{cost: &cost, free: make(chan struct{}, hashesAtOnce), dummy: dummy}, nil
}

func (p *passwords) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case p.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &pipeline.Error{Code: pipeline.CodeTooMany, Text: "too many people sign in at this moment; try again in a few seconds", RetryAfter: hashWait}
	}
}

func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.take(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.free }()
	return argon2id.CreateHash(normal(password), p.cost)
}

// match compares a password with the hash of a user; an empty hash matches none
// and takes as long.
func (p *passwords) match(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > passwordBytes {
		return false, nil
	}
	if err := p.take(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.free }()
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	same, err := argon2id.ComparePasswordAndHash(normal(password), hash)
	return same && known, err
}

// normal is one form for the several that the same characters are typed in.
func normal(password string) string { return norm.NFKC.String(password) }

// CheckPassword says why a password is not good enough. name is the user's,
// which it must not be made of.
func CheckPassword(name, password string) error {
	text := weakness(name, password)
	if text == "" {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeInvalid, Field: "password", Text: text}
}

func weakness(name, password string) string {
	if len(password) > passwordBytes || utf8.RuneCountInString(password) > PasswordMost {
		return fmt.Sprintf("the password is longer than %d characters", PasswordMost)
	}
	if !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		return "the password has characters in it that cannot be typed"
	}
	if n := utf8.RuneCountInString(normal(password)); n < PasswordLeast {
		return fmt.Sprintf("the password is too short: %d characters or more, a few words will do", PasswordLeast)
	}
	runes := []rune(password)
	if zxcvbn.PasswordStrength(string(runes[:min(len(runes), guessRead)]), []string{name, "redrive"}).Guesses < guessable {
		return "the password is easy to guess: take a few words that have nothing to do with each other"
	}
	return ""
}
