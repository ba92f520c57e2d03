package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

const (
	kindUser    = "user"
	kindAdmins  = "admins" // one record; see keepsAdmin
	devicesMost = 8        // browsers a user is known by
	listMost    = 500
)

// Where users come from.
const (
	Local = "local" // a password kept here
	OIDC  = "oidc"  // a provider says who they are and what they may
)

// User is somebody who may sign in.
type User struct {
	Name       string    `json:"name"`
	Role       Role      `json:"role"`
	Source     string    `json:"source"` // Local or OIDC
	Disabled   bool      `json:"disabled,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by"`
	LastSignIn time.Time `json:"last_sign_in,omitzero"`
	Invited    bool      `json:"-"` // has no password yet
}

// storedUser is a user with what only this package may know.
type storedUser struct {
	User
	Hash    string    `json:"hash,omitempty"`
	Since   time.Time `json:"since"`             // sessions from before are over
	Subject string    `json:"subject,omitempty"` // at the provider
	Devices []string  `json:"devices,omitempty"` // digests of the cookies of browsers that signed in

	Invitation string `json:"invitation,omitempty"` // id of the one that may be accepted; empty: none
	version    int64
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,62}$`)

// cleanName is the one form of a name.
func cleanName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if !nameForm.MatchString(name) {
		return "", &pipeline.Error{Code: pipeline.CodeInvalid, Field: "name",
			Text: "the name must be of letters a to z, digits and . _ @ + -, at most 63, and begin with a letter or digit"}
	}
	// These are who acts where nobody signed in.
	if name == "local" || name == pipeline.Program || name == Anonymous {
		return "", &pipeline.Error{Code: pipeline.CodeInvalid, Field: "name", Text: "the name " + name + " is taken by the program itself"}
	}
	return name, nil
}

func (s *Service) user(ctx context.Context, name string) (*storedUser, error) {
	rec, err := s.records.Get(ctx, kindUser, name)
	if errors.Is(err, pipeline.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading user %s: %w", name, err)
	}
	return userOf(rec)
}

func userOf(rec pipeline.Record) (*storedUser, error) {
	u := &storedUser{version: rec.Version}
	if err := json.Unmarshal(rec.Data, u); err != nil {
		return nil, fmt.Errorf("reading user %s: %w", rec.ID, err)
	}
	u.Invited = u.Source == Local && u.Hash == ""
	return u, nil
}

func (u *storedUser) record() pipeline.Record {
	data, _ := json.Marshal(u) // of texts and times
	return pipeline.Record{Kind: kindUser, ID: u.Name, Version: u.version, Data: data}
}

// Users lists all users by name.
func (s *Service) Users(ctx context.Context) ([]User, error) {
	stored, err := s.users(ctx)
	list := make([]User, 0, len(stored))
	for _, u := range stored {
		list = append(list, u.User)
	}
	slices.SortFunc(list, func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// User is one user by name.
func (s *Service) User(ctx context.Context, name string) (User, error) {
	u, err := s.existing(ctx, name)
	if err != nil {
		return User{}, err
	}
	return u.User, nil
}

func (s *Service) users(ctx context.Context) ([]*storedUser, error) {
	var list []*storedUser
	err := s.each(ctx, kindUser, func(rec pipeline.Record) error {
		u, err := userOf(rec)
		list = append(list, u)
		return err
	})
	return list, err
}

// each walks the records of a kind.
func (s *Service) each(ctx context.Context, kind string, do func(pipeline.Record) error) error {
	for cursor := ""; ; {
		page, err := s.records.List(ctx, kind, cursor, listMost)
		if err != nil {
			return fmt.Errorf("listing records of kind %s: %w", kind, err)
		}
		for _, rec := range page.Items {
			if err := do(rec); err != nil {
				return err
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
}

// NewUser is a user to be added.
type NewUser struct {
	Name, Password string // without a password the user is invited
	Role           Role
	Reason         string
}

// AddUser adds a user. Without a password it answers an invitation, which lets
// whoever has it set one, once.
func (s *Service) AddUser(ctx context.Context, n NewUser) (User, string, error) {
	name, err := cleanName(n.Name)
	if err == nil {
		_, err = ParseRole(string(n.Role))
	}
	if err == nil && n.Password != "" {
		err = CheckPassword(name, n.Password)
	}
	if err != nil {
		return User{}, "", err
	}
	if err := s.passwordsHere(); err != nil {
		return User{}, "", err
	}
	now := time.Now().UTC()
	u := &storedUser{User: User{Name: name, Role: n.Role, Source: Local, CreatedAt: now, CreatedBy: pipeline.ActorFrom(ctx).Name, Invited: n.Password == ""}, Since: now}
	if u.Invited {
		token, invitation := newInvitation(name, n.Role, now)
		u.Invitation = invitation.ID
		return u.User, token, s.add(ctx, u, n.Reason, invitation)
	}
	if u.Hash, err = s.passwords.hash(ctx, n.Password); err != nil {
		return User{}, "", err
	}
	return u.User, "", s.add(ctx, u, n.Reason)
}

// passwordsHere refuses what makes no sense where a provider alone lets people in.
func (s *Service) passwordsHere() error {
	if !s.noPasswords {
		return nil
	}
	return &pipeline.Error{Code: pipeline.CodeConflict, Text: "people sign in at the identity provider alone; users with a password need auth: {local: true} in the configuration"}
}

func (s *Service) add(ctx context.Context, u *storedUser, reason string, more ...pipeline.Record) error {
	entry := pipeline.NewEntry(ctx, "user.add", "users/"+u.Name, reason, map[string]any{"after": u.facts()})
	err := s.records.Put(ctx, entry, append(more, u.record())...)
	if errors.Is(err, pipeline.ErrVersion) {
		return s.failed(ctx, entry, &pipeline.Error{Code: pipeline.CodeConflict, Field: "name", Text: "there is a user " + u.Name + " already"})
	}
	if err != nil {
		return fmt.Errorf("adding user %s: %w", u.Name, err)
	}
	s.changed()
	return nil
}

// facts are what the audit tells of a user.
func (u *storedUser) facts() map[string]any {
	return map[string]any{"role": u.Role, "source": u.Source, "disabled": u.Disabled, "invited": u.Source == Local && u.Hash == ""}
}

// UserChange is what to change; nil stays as it is.
type UserChange struct {
	Role     *Role
	Disabled *bool
	Password *string
	Reason   string
}

// ChangeUser changes a user, whose sessions then end.
func (s *Service) ChangeUser(ctx context.Context, name string, c UserChange) (User, error) {
	u, err := s.existing(ctx, name)
	if err != nil {
		return User{}, err
	}
	before := u.facts()
	if err := s.apply(ctx, u, c); err != nil {
		return User{}, err
	}
	detail := map[string]any{"before": before, "after": u.facts()}
	if c.Password != nil {
		detail["password"] = "changed"
	}
	entry := pipeline.NewEntry(ctx, "user.change", "users/"+u.Name, c.Reason, detail)
	var guard []pipeline.Record
	if u.Disabled || u.Role != Admin {
		if guard, err = s.keepsAdmin(ctx, u.Name); err != nil {
			return User{}, s.failed(ctx, entry, err)
		}
	}
	u.Since = time.Now().UTC()
	if err := s.put(ctx, entry, append(guard, u.record())...); err != nil {
		return User{}, err
	}
	return u.User, s.endAll(ctx, u.Name, "")
}

func (s *Service) apply(ctx context.Context, u *storedUser, c UserChange) (err error) {
	if c.Role != nil {
		if u.Source != Local {
			return &pipeline.Error{Code: pipeline.CodeConflict, Field: "role", Text: "the role of " + u.Name + " is what the identity provider says; change it there"}
		}
		if u.Role, err = ParseRole(string(*c.Role)); err != nil {
			return err
		}
	}
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
	}
	if c.Password == nil {
		return nil
	}
	if u.Source != Local {
		return &pipeline.Error{Code: pipeline.CodeConflict, Field: "password", Text: u.Name + " signs in at the identity provider and has no password here"}
	}
	if err := CheckPassword(u.Name, *c.Password); err != nil {
		return err
	}
	u.Devices, u.Invitation, u.Invited = nil, "", false
	u.Hash, err = s.passwords.hash(ctx, *c.Password)
	return err
}

// Invite takes the password of a user away, if there is one, and answers an
// invitation to choose another. It is the way back for who forgot it, without an
// admin who knows it; an earlier invitation counts no more.
func (s *Service) Invite(ctx context.Context, name, reason string) (User, string, error) {
	u, err := s.existing(ctx, name)
	if err != nil {
		return User{}, "", err
	}
	if err := s.passwordsHere(); err != nil {
		return User{}, "", err
	}
	if u.Source != Local {
		return User{}, "", &pipeline.Error{Code: pipeline.CodeConflict, Text: u.Name + " signs in at the identity provider and has no password here"}
	}
	before, now := u.facts(), time.Now().UTC()
	token, invitation := newInvitation(u.Name, u.Role, now)
	u.Hash, u.Devices, u.Since, u.Invitation, u.Invited = "", nil, now, invitation.ID, true
	entry := pipeline.NewEntry(ctx, "user.invite", "users/"+u.Name, reason, map[string]any{"before": before, "after": u.facts()})
	guard, err := s.keepsAdmin(ctx, u.Name)
	if err != nil {
		return User{}, "", s.failed(ctx, entry, err)
	}
	if err := s.put(ctx, entry, append(guard, u.record(), invitation)...); err != nil {
		return User{}, "", err
	}
	return u.User, token, s.endAll(ctx, u.Name, "")
}

// existing is the user of a name as it was typed.
func (s *Service) existing(ctx context.Context, name string) (*storedUser, error) {
	u, err := s.user(ctx, strings.ToLower(strings.TrimSpace(name)))
	if err == nil && u == nil {
		err = &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such user"}
	}
	return u, err
}

// RemoveUser removes a user, whose sessions and tokens end with it.
func (s *Service) RemoveUser(ctx context.Context, name, reason string) error {
	u, err := s.existing(ctx, name)
	if err != nil {
		return err
	}
	entry := pipeline.NewEntry(ctx, "user.remove", "users/"+u.Name, reason, map[string]any{"before": u.facts()})
	guard, err := s.keepsAdmin(ctx, u.Name)
	if err != nil {
		return s.failed(ctx, entry, err)
	}
	if err := s.put(ctx, entry, append(guard, pipeline.Record{Kind: kindUser, ID: u.Name, Version: u.version})...); err != nil {
		return err
	}
	return errors.Join(s.endAll(ctx, u.Name, ""), s.endTokens(ctx, u.Name))
}

// keepsAdmin refuses to leave the console without anybody who may let others in.
// What it answers is written along with the change: of two admins who remove each
// other at the same moment the second writes over a version that is gone. Where a
// provider says who is admin, nobody can be left out.
func (s *Service) keepsAdmin(ctx context.Context, without string) (guard []pipeline.Record, err error) {
	if s.provider {
		return nil, nil
	}
	before, err := s.records.Get(ctx, kindAdmins, kindAdmins)
	if err != nil && !errors.Is(err, pipeline.ErrNotFound) {
		return nil, fmt.Errorf("looking for other admins: %w", err)
	}
	all, err := s.users(ctx)
	if err != nil {
		return nil, err
	}
	for _, u := range all {
		if u.Name != without && u.Role == Admin && !u.Disabled && u.Hash != "" {
			return []pipeline.Record{{Kind: kindAdmins, ID: kindAdmins, Version: before.Version, Data: []byte("{}")}}, nil
		}
	}
	return nil, &pipeline.Error{Code: pipeline.CodeConflict, Text: without + " is the only admin; make somebody else one first"}
}

// put writes records with their entry.
func (s *Service) put(ctx context.Context, entry *pipeline.Entry, records ...pipeline.Record) error {
	err := s.records.Put(ctx, entry, records...)
	if errors.Is(err, pipeline.ErrVersion) {
		return s.failed(ctx, entry, &pipeline.Error{Code: pipeline.CodeConflict, Text: "somebody else changed it at the same moment; look again and repeat"})
	}
	if err != nil {
		return err
	}
	s.changed()
	return nil
}

// failed notes in the audit why something was not done, and answers why.
func (s *Service) failed(ctx context.Context, entry *pipeline.Entry, why error) error {
	e := *entry
	e.ID, e.Result = pipeline.NewID(), why.Error()
	if err := s.audit.Append(context.WithoutCancel(ctx), e); err != nil {
		s.log.ErrorContext(ctx, "a refused change could not be written to the audit", "action", e.Action, "object", e.Object, "error", err)
	}
	return why
}
