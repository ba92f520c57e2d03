package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"redrive/pipeline"
)

const (
	kindSession  = "session"
	touchEvery   = time.Minute // how exactly the last use of a session is known
	agentMost    = 200
	sessionsMost = 50 // of one user; the oldest ends
)

// Client is where a request comes from.
type Client struct {
	Address string // without port
	Agent   string // as it calls itself
	Device  string // the cookie of a browser that signed in before; empty: none
}

// storedSession is a session, by the digest of its token.
type storedSession struct {
	User    string    `json:"user"`
	Role    Role      `json:"role"` // as it was when it began
	Began   time.Time `json:"began"`
	Used    time.Time `json:"used"`
	Fresh   time.Time `json:"fresh"` // when the password was last given
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
	id      string
	version int64
}

// Session is one browser that is signed in.
type Session struct {
	ID             string // not its token
	User           string
	Role           Role
	Began, Used    time.Time
	Ends           time.Time // at the latest
	Address, Agent string
	Own            bool // the one that asks
}

// Identity is who asks, and as what.
type Identity struct {
	Name    string
	Role    Role
	Source  string    // of the user: Local or OIDC
	Session string    // id of the session; empty for a program
	Token   string    // id of the token; empty for a browser
	Fresh   time.Time // until then the password need not be given again; zero for a program
	Ends    time.Time // of the token; zero for a browser
}

// Program tells whether a program asks, with a token.
func (i Identity) Program() bool { return i.Token != "" }

// SignedIn is a session that has just begun.
type SignedIn struct {
	Token    string // for the cookie
	Device   string // for the cookie by which the browser is known again
	Ends     time.Time
	Identity Identity
}

// begin starts a session of a user, writes who came, and forgets what the user
// tried before. The token is new: one that was there before is never taken over.
func (s *Service) begin(ctx context.Context, u *storedUser, c Client, action string) (SignedIn, error) {
	now := time.Now().UTC()
	token, device := newSecret()+newSecret(), c.Device
	if device == "" || !slices.Contains(u.Devices, digest(device)) {
		device = newSecret()
		u.Devices = append(u.Devices, digest(device))
		u.Devices = u.Devices[max(0, len(u.Devices)-devicesMost):]
	}
	u.LastSignIn = now
	sess := &storedSession{User: u.Name, Role: u.Role, Began: now, Used: now, Fresh: now, Address: c.Address, Agent: cut(c.Agent, agentMost), id: digest(token)}
	ctx = pipeline.WithActor(ctx, pipeline.Actor{Name: u.Name, Role: string(u.Role), From: c.Address})
	entry := pipeline.NewEntry(ctx, action, "users/"+u.Name, "", map[string]any{"session": publicID(sess.id), "source": u.Source})
	if err := s.put(ctx, entry, s.sessionRecord(sess), u.record()); err != nil {
		return SignedIn{}, err
	}
	if err := s.fewSessions(ctx, u.Name); err != nil {
		s.log.WarnContext(ctx, "old sessions were not ended", "user", u.Name, "error", err)
	}
	return SignedIn{Token: token, Device: device, Ends: now.Add(s.absolute), Identity: s.identity(sess, u)}, nil
}

func (s *Service) sessionRecord(sess *storedSession) pipeline.Record {
	data, _ := json.Marshal(sess) // of texts and times
	return pipeline.Record{Kind: kindSession, ID: sess.id, Version: sess.version, Data: data, ExpiresAt: sess.Began.Add(s.absolute)}
}

func sessionOf(rec pipeline.Record) (*storedSession, error) {
	sess := &storedSession{id: rec.ID, version: rec.Version}
	if err := json.Unmarshal(rec.Data, sess); err != nil {
		return nil, fmt.Errorf("reading a session: %w", err)
	}
	return sess, nil
}

// publicID names a session where people and logs see it.
func publicID(id string) string { return id[:16] }

func (s *Service) identity(sess *storedSession, u *storedUser) Identity {
	return Identity{Name: u.Name, Role: u.Role, Source: u.Source, Session: publicID(sess.id), Fresh: sess.Fresh.Add(s.fresh)}
}

// Session tells who a browser's token stands for; ErrUnknown if for nobody any
// more. A request that no person made (used false) does not keep it alive.
func (s *Service) Session(ctx context.Context, token string, used bool) (Identity, error) {
	id := digest(token)
	seen, err := s.seen(ctx, id, s.readSession)
	if err != nil {
		return Identity{}, err
	}
	now := time.Now().UTC()
	if seen.session == nil || now.After(seen.session.Used.Add(s.idle)) || !now.Before(seen.session.Began.Add(s.absolute)) {
		return Identity{}, ErrUnknown
	}
	if used && now.Sub(seen.session.Used) > touchEvery {
		s.touch(ctx, seen.session, now)
	}
	return seen.identity, nil
}

// readSession reads a session and its user. A session is over when its user is
// disabled, gone, or was changed since it began.
func (s *Service) readSession(ctx context.Context, id string) (sighting, error) {
	rec, err := s.records.Get(ctx, kindSession, id)
	if errors.Is(err, pipeline.ErrNotFound) {
		return sighting{}, nil
	}
	if err != nil {
		return sighting{}, fmt.Errorf("reading a session: %w", err)
	}
	sess, err := sessionOf(rec)
	if err != nil {
		return sighting{}, err
	}
	u, err := s.user(ctx, sess.User)
	if err != nil || u == nil || u.Disabled || sess.Began.Before(u.Since) || u.Role != sess.Role {
		return sighting{}, err
	}
	return sighting{session: sess, identity: s.identity(sess, u)}, nil
}

// touch notes that a session is used. It may fail: then the next request does it.
func (s *Service) touch(ctx context.Context, sess *storedSession, now time.Time) {
	next := *sess
	next.Used = now
	err := s.records.Put(ctx, nil, s.sessionRecord(&next))
	if err != nil && !errors.Is(err, pipeline.ErrVersion) {
		s.log.WarnContext(ctx, "the use of a session was not noted", "user", sess.User, "error", err)
	}
	s.cache.forget(sess.id)
}

// SignOut ends the session of a token. One that is over already is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	rec, err := s.records.Get(ctx, kindSession, digest(token))
	if errors.Is(err, pipeline.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading a session: %w", err)
	}
	sess, err := sessionOf(rec)
	if err != nil {
		return err
	}
	return s.end(ctx, sess, "logout.do", "")
}

func (s *Service) end(ctx context.Context, sess *storedSession, action, reason string) error {
	entry := pipeline.NewEntry(ctx, action, "sessions/"+publicID(sess.id), reason, map[string]any{"user": sess.User})
	return s.put(ctx, entry, pipeline.Record{Kind: kindSession, ID: sess.id, Version: pipeline.AnyVersion})
}

// Sessions lists the sessions of a user, or of all if the name is empty, the
// newest first.
func (s *Service) Sessions(ctx context.Context, user string) ([]Session, error) {
	own, _ := From(ctx)
	stored, err := s.sessions(ctx, user)
	list := make([]Session, 0, len(stored))
	for _, sess := range stored {
		id := publicID(sess.id)
		list = append(list, Session{ID: id, Own: own.Session == id, User: sess.User, Role: sess.Role, Began: sess.Began, Used: sess.Used,
			Ends: sess.Began.Add(s.absolute), Address: sess.Address, Agent: sess.Agent})
	}
	return list, err
}

func (s *Service) sessions(ctx context.Context, user string) ([]*storedSession, error) {
	var list []*storedSession
	now := time.Now()
	err := s.each(ctx, kindSession, func(rec pipeline.Record) error {
		sess, err := sessionOf(rec)
		if err == nil && (user == "" || sess.User == user) && now.Before(sess.Used.Add(s.idle)) && now.Before(sess.Began.Add(s.absolute)) {
			list = append(list, sess)
		}
		return err
	})
	slices.SortFunc(list, func(a, b *storedSession) int { return b.Began.Compare(a.Began) })
	return list, err
}

// EndSession ends a session by its id. With a user it must be that user's.
func (s *Service) EndSession(ctx context.Context, user, id, reason string) error {
	list, err := s.sessions(ctx, user)
	if err != nil {
		return err
	}
	for _, sess := range list {
		if publicID(sess.id) == id {
			return s.end(ctx, sess, "session.end", reason)
		}
	}
	return &pipeline.Error{Code: pipeline.CodeNotFound, Text: "there is no such session; it may have ended"}
}

// EndOthers ends the sessions of whoever asks but the one that asks, and tells
// how many there were.
func (s *Service) EndOthers(ctx context.Context, reason string) (int, error) {
	own, _ := From(ctx)
	list, err := s.sessions(ctx, pipeline.ActorFrom(ctx).Name)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, sess := range list {
		if publicID(sess.id) == own.Session {
			continue
		}
		if err := s.end(ctx, sess, "session.end", reason); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// endAll ends the sessions of a user, but for one. They are refused already when
// the user was changed; this is what is left of them.
func (s *Service) endAll(ctx context.Context, user, but string) error {
	defer s.changed()
	list, err := s.sessions(ctx, user)
	for _, sess := range list {
		if publicID(sess.id) == but {
			continue
		}
		err = errors.Join(err, s.records.Put(ctx, nil, pipeline.Record{Kind: kindSession, ID: sess.id, Version: pipeline.AnyVersion}))
	}
	return err
}

// fewSessions bounds the sessions of one user.
func (s *Service) fewSessions(ctx context.Context, user string) error {
	list, err := s.sessions(ctx, user)
	for i := sessionsMost; i < len(list) && err == nil; i++ {
		err = s.records.Put(ctx, nil, pipeline.Record{Kind: kindSession, ID: list[i].id, Version: pipeline.AnyVersion})
	}
	return err
}

func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}
