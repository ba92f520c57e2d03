package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"redrive/pipeline"
)

const (
	kindInvitation = "invitation"
	invitedFor     = 72 * time.Hour
	setupFor       = 24 * time.Hour
)

// invitation lets whoever has its token choose a password, once. Without a name
// it makes the first admin.
type invitation struct {
	Name  string    `json:"name,omitempty"`
	Role  Role      `json:"role"`
	Until time.Time `json:"until"`
}

func newInvitation(name string, role Role, now time.Time) (token string, kept pipeline.Record) {
	lasts := invitedFor
	if name == "" {
		lasts = setupFor
	}
	inv := invitation{Name: name, Role: role, Until: now.Add(lasts)}
	data, _ := json.Marshal(inv) // of texts and a time
	token = newSecret()
	return token, pipeline.Record{Kind: kindInvitation, ID: digest(token), Data: data, ExpiresAt: inv.Until}
}

// Empty tells whether there is no user yet, so that somebody must be let in.
func (s *Service) Empty(ctx context.Context) (bool, error) {
	page, err := s.records.List(ctx, kindUser, "", 1)
	if err != nil {
		return false, fmt.Errorf("looking for users: %w", err)
	}
	return len(page.Items) == 0, nil
}

// Setup answers a token that makes the first admin, or none if there are users.
// Each process that starts before there is one makes its own; all end with the
// first user.
func (s *Service) Setup(ctx context.Context) (string, error) {
	empty, err := s.Empty(ctx)
	if err != nil || !empty {
		return "", err
	}
	token, record := newInvitation("", Admin, time.Now().UTC())
	if err := s.records.Put(ctx, nil, record); err != nil {
		return "", fmt.Errorf("keeping the setup token: %w", err)
	}
	return token, nil
}

// Accept sets the password of somebody who was invited and signs them in. The
// name is chosen only with a setup token; else it must be the invited one or empty.
func (s *Service) Accept(ctx context.Context, token, name, password string, c Client) (SignedIn, error) {
	try := s.throttle.try("", c, nil)
	if _, err := try.allowed(); err != nil {
		return SignedIn{}, err
	}
	rec, inv, err := s.invitation(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	if inv == nil || inv.Name != "" && name != "" && name != inv.Name {
		return SignedIn{}, s.notInvited(ctx, try, c)
	}
	u, err := s.accepted(ctx, inv, rec.ID, name, password)
	if errors.Is(err, errNotInvited) {
		return SignedIn{}, s.notInvited(ctx, try, c)
	}
	if err != nil {
		return SignedIn{}, err
	}
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: u.Name, Role: string(u.Role), From: c.Address})
	entry := pipeline.NewEntry(ctx, "user.accept", "users/"+u.Name, "", map[string]any{"after": u.facts()})
	if err := s.put(ctx, entry, u.record(), pipeline.Record{Kind: kindInvitation, ID: rec.ID, Version: rec.Version}); err != nil {
		return SignedIn{}, err
	}
	if u, err = s.user(ctx, u.Name); err != nil || u == nil {
		return SignedIn{}, errors.Join(err, errNotThere(u))
	}
	return s.begin(ctx, u, c, "login.do")
}

// errNotInvited is the answer to an invitation that somebody was given before the
// one that counts now, or before there was this user.
var errNotInvited = errors.New("not invited with this token")

// notInvited is what somebody is told whose token lets nobody in.
func (s *Service) notInvited(ctx context.Context, try attempt, c Client) error {
	_ = try.failed()
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: "unknown", From: c.Address})
	return s.failed(ctx, pipeline.NewEntry(ctx, "login.fail", "login/setup", "", nil),
		&pipeline.Error{Code: pipeline.CodeInvalid, Field: "token", Text: "this token is not known, was used or is too old; the log of a newly started server has one while there are no users, and an admin can make another invitation"})
}

func errNotThere(u *storedUser) error {
	if u != nil {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeConflict, Text: "the user was removed at the same moment"}
}

// invitation is what a token stands for; nil if for nothing.
func (s *Service) invitation(ctx context.Context, token string) (pipeline.Record, *invitation, error) {
	rec, err := s.records.Get(ctx, kindInvitation, digest(token))
	if errors.Is(err, pipeline.ErrNotFound) {
		return rec, nil, nil
	}
	if err != nil {
		return rec, nil, fmt.Errorf("reading an invitation: %w", err)
	}
	inv := new(invitation)
	if err := json.Unmarshal(rec.Data, inv); err != nil {
		return rec, nil, fmt.Errorf("reading an invitation: %w", err)
	}
	if !time.Now().Before(inv.Until) {
		return rec, nil, nil
	}
	if inv.Name == "" { // for the first admin alone
		if empty, err := s.Empty(ctx); err != nil || !empty {
			return rec, nil, err
		}
	}
	return rec, inv, nil
}

// accepted is the user an invitation makes. Of a user only the latest counts: an
// earlier one must not open the account of somebody who has a password by now.
func (s *Service) accepted(ctx context.Context, inv *invitation, id, name, password string) (*storedUser, error) {
	now := time.Now().UTC()
	var u *storedUser
	var err error
	if inv.Name != "" {
		if u, err = s.user(ctx, inv.Name); err != nil {
			return nil, err
		}
		switch {
		case u == nil || u.Invitation == "" || !sameDigest(u.Invitation, id):
			return nil, errNotInvited
		case u.Disabled:
			return nil, disabled()
		}
		u.Invitation = ""
	} else {
		if name, err = cleanName(name); err != nil {
			return nil, err
		}
		u = &storedUser{User: User{Name: name, Role: inv.Role, Source: Local, CreatedAt: now, CreatedBy: name}}
	}
	if err := CheckPassword(u.Name, password); err != nil {
		return nil, err
	}
	u.Since, u.Invited = now, false
	u.Hash, err = s.passwords.hash(ctx, password)
	return u, err
}
