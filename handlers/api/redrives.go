package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"redrive/handlers/problem"
	"redrive/pipeline"
)

type redriveList struct {
	Redrives   []operationItem `json:"redrives"`
	NextCursor optional        `json:"next_cursor"`
}

// lettersBody selects dead letters: exactly one of ids, group, q and all.
type lettersBody struct {
	Pipeline string   `json:"pipeline" required:"true"`
	Step     string   `json:"step"`
	IDs      []string `json:"ids"`
	Group    *string  `json:"group"`
	Query    *string  `json:"q"`
	All      bool     `json:"all"`
}

type redriveBody struct {
	lettersBody
	Rate    *float64        `json:"rate_per_second"`
	Canary  json.RawMessage `json:"canary" supported:"not yet"`
	Payload json.RawMessage `json:"payload" supported:"not yet"`
	Patch   json.RawMessage `json:"patch" supported:"not yet"`
	DryRun  bool            `json:"dry_run"`
	Reason  string          `json:"reason"`
}

// StartRedrive puts dead letters back into their queues.
func (a *API) StartRedrive() Operation {
	return Operation{
		Summary: "Put dead letters back into their queues: pipeline, exactly one of ids, group, q and all, and, but for a dry run, reason are required",
		Body:    redriveBody{}, Answer: operationItem{}, Status: http.StatusAccepted,
		Do: func(c *Call) (any, error) {
			var in redriveBody
			if err := c.body(&in); err != nil {
				return nil, err
			}
			selector, err := in.selector()
			if err != nil {
				return nil, err
			}
			if err := in.supported(); err != nil {
				return nil, err
			}
			return a.start(c, pipeline.OperationRequest{Kind: pipeline.OpRedrive, Selector: selector, Rate: value(in.Rate), DryRun: in.DryRun, Reason: in.Reason})
		},
	}
}

func (in redriveBody) supported() error {
	for _, field := range []struct {
		name  string
		given []byte
	}{{"canary", in.Canary}, {"payload", in.Payload}, {"patch", in.Patch}} {
		if err := notYet(field.name, field.given); err != nil {
			return err
		}
	}
	return rateFits(in.Rate)
}

// selector checks that exactly one way of selecting is given, and that it selects.
func (in lettersBody) selector() (pipeline.Selector, error) {
	s := pipeline.Selector{Pipeline: in.Pipeline, Step: in.Step, IDs: in.IDs, Group: value(in.Group), Query: value(in.Query), All: in.All}
	if err := required("pipeline", in.Pipeline); err != nil {
		return s, err
	}
	given := in.given()
	switch {
	case len(given) == 0:
		return s, problem.Invalid("ids", "Say what to take by exactly one of ids, group, q and all; none is given.")
	case len(given) > 1:
		return s, problem.Invalid(given[1], "Say what to take by exactly one of ids, group, q and all; given are "+strings.Join(given, " and ")+".")
	case in.IDs != nil && len(in.IDs) == 0:
		return s, problem.Invalid("ids", "ids must name at least one dead letter.")
	case in.Group != nil && *in.Group == "":
		return s, problem.Invalid("group", "group must not be empty.")
	case in.Query != nil && strings.TrimSpace(*in.Query) == "":
		return s, problem.Invalid("q", "q must not be empty; all selects everything.")
	}
	return s, nil
}

func (in lettersBody) given() []string {
	var names []string
	for _, way := range []struct {
		name string
		set  bool
	}{{"ids", in.IDs != nil}, {"group", in.Group != nil}, {"q", in.Query != nil}, {"all", in.All}} {
		if way.set {
			names = append(names, way.name)
		}
	}
	return names
}

// ListRedrives lists redrives newest first.
func (a *API) ListRedrives() Operation {
	return Operation{Summary: "Redrives, newest first", Query: paging(), Answer: redriveList{}, Do: func(c *Call) (any, error) {
		items, next, err := a.page(c, pipeline.OpRedrive)
		return redriveList{Redrives: items, NextCursor: next}, err
	}}
}

// GetRedrive is one redrive as it stands.
func (a *API) GetRedrive() Operation { return a.getOperation("One redrive as it stands") }
