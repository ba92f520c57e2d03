package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a DNS server in memory. Each lookup of a name gets the next of its
// answers, the last one again and again: the tool of a rebinding attack.
type names struct {
	t       *testing.T
	mu      sync.Mutex
	answers map[string][][]string
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go n.serve(server)
		return client, nil
	}}
}

func (n *names) serve(conn net.Conn) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, query); err != nil {
			return
		}
		answer := n.answer(query)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}

func (n *names) answer(query []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		n.t.Error(err)
		return nil
	}
	q := m.Questions[0]
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	for _, text := range n.next(q) {
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		var body dnsmessage.ResourceBody = &dnsmessage.AResource{A: netip.MustParseAddr(text).As4()}
		answer.Answers = append(answer.Answers, dnsmessage.Resource{Header: header, Body: body})
	}
	packed, err := answer.Pack()
	if err != nil {
		n.t.Error(err)
	}
	return packed
}

func (n *names) next(q dnsmessage.Question) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.answers[q.Name.String()]
	if q.Type != dnsmessage.TypeA || len(list) == 0 {
		return nil
	}
	if len(list) > 1 {
		n.answers[q.Name.String()] = list[1:]
	}
	return list[0]
}

var errApproved = errors.New("approved; no packet leaves in a test")

// watch counts what the guard lets through, and stops it there.
type watch struct {
	mu       sync.Mutex
	approved []string
}

func (w *watch) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.approved = append(w.approved, address)
	return errApproved
}

// guarded is a guard whose names are answered from a list, and from which no
// packet leaves.
func guarded(t *testing.T, answers map[string][][]string, allowed ...string) (*Guard, *watch) {
	g, w := New(allowed...), &watch{}
	g.dialer.Resolver = (&names{t: t, answers: answers}).resolver()
	g.dialer.ControlContext = w.control
	return g, w
}

// outcome is what became of a dial.
func outcome(err error) string {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal.Error()
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, errApproved):
		return "approved"
	case err == nil:
		return "connected"
	}
	return err.Error()
}
