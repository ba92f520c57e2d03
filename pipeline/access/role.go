package access

import "redrive/pipeline"

// Role is what somebody may do. Each may do what the one before may.
type Role string

// The roles. Nobody is whoever did not say who they are.
const (
	Nobody   Role = ""
	Viewer   Role = "viewer"   // looks, but sees no payload
	Operator Role = "operator" // redrives, forces breakers, reads payloads
	Admin    Role = "admin"    // users, tokens and faults on purpose
)

// Roles are all that can be given, the least first.
func Roles() []Role { return []Role{Viewer, Operator, Admin} }

func (r Role) rank() int {
	switch r {
	case Viewer:
		return 1
	case Operator:
		return 2
	case Admin:
		return 3
	default:
		return 0
	}
}

// Allows tells whether what needs a role may be done with this one.
func (r Role) Allows(need Role) bool { return r.rank() >= need.rank() }

// least is the weaker of two.
func least(a, b Role) Role {
	if a.Allows(b) {
		return b
	}
	return a
}

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	r := Role(text)
	if r.rank() == 0 {
		return Nobody, &pipeline.Error{Code: pipeline.CodeInvalid, Field: "role", Text: "the role is viewer, operator or admin"}
	}
	return r, nil
}
