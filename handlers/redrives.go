package handlers

import (
	"context"
	"net/http"
	"slices"
	"time"

	"redrive/pipeline"
	"redrive/views"
)

// operationsShown is how many operations a page holds.
const operationsShown = 50

type operationReader interface {
	Get(ctx context.Context, id string) (pipeline.Operation, error)
	List(ctx context.Context, kind pipeline.OperationKind, cursor string, limit int) (pipeline.Page[pipeline.Operation], error)
}

type operationSteerer interface {
	Cancel(ctx context.Context, id, reason string) (pipeline.Operation, error)
	Pause(ctx context.Context, id, reason string) (pipeline.Operation, error)
	Resume(ctx context.Context, id string, rate *float64, reason string) (pipeline.Operation, error)
	Restore(ctx context.Context, id, reason string) (pipeline.Operation, error)
}

type operationService interface {
	operationReader
	operationStarter
	operationSteerer
}

// Redrives is the list and the pages of what runs over many rows: redrives,
// discards, replays and restores.
type Redrives struct {
	operations operationService
	letters    *DeadLetters // its page is shown again when a form of it is refused
	state      overviews
	frame      Framer
}

// NewRedrives returns the pages of operations.
func NewRedrives(operations operationService, letters *DeadLetters, state overviews, frame Framer) *Redrives {
	return &Redrives{operations: operations, letters: letters, state: state, frame: frame}
}

// List shows the operations, newest first.
func (h *Redrives) List(w http.ResponseWriter, r *http.Request) error {
	now := time.Now().UTC().Truncate(time.Minute)
	typed := &form{values: map[string][]string{"since": {now.Add(-time.Hour).Format(minuteField)}, "until": {now.Format(minuteField)}, "rate": {"10"}}}
	for field, values := range r.URL.Query() {
		typed.values[field] = values
	}
	return h.list(w, r, http.StatusOK, readQuery(r), typed, func(*views.WindowForm) {})
}

func (h *Redrives) list(w http.ResponseWriter, r *http.Request, status int, query, typed *form, amend func(*views.WindowForm)) error {
	kind, way := pipeline.OperationKind(query.text("kind")), readTrail(query)
	kinds := []pipeline.OperationKind{"", pipeline.OpRedrive, pipeline.OpDiscard, pipeline.OpReplay, pipeline.OpRestore}
	if !slices.Contains(kinds, kind) {
		return badField("kind", "There is no such kind; there are redrive, discard, replay and restore.")
	}
	page, err := h.operations.List(r.Context(), kind, way.cursor, operationsShown)
	if err != nil {
		return err
	}
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	own, pairs := views.Href(baseOf(r), "redrives"), []string{"kind", string(kind)}
	props := views.RedrivesProps{Page: h.frame(r, views.SectionRedrives, "Redrives"), Operations: page.Items,
		List: views.Listing{Shown: views.Count(len(page.Items)) + " shown, newest first", Newer: way.newer(own, pairs), Older: way.older(own, pairs, page.Next)},
		Empty: views.Nothing{Icon: "redrive", Title: "Nothing was redriven yet",
			Text:   "When rows stopped at a step and its trouble is over, redrive them: by cause, by search, or one by one.",
			Action: &views.Action{Label: "Look at the dead letters", Href: views.Href(baseOf(r), "dead-letters")}},
		Replay: windowForm(state, typed)}
	if kind != "" {
		props.Empty.Title = "No operation of this kind"
	}
	for i, label := range []string{"All", "Redrives", "Discards", "Replays", "Restores"} {
		props.Chips = append(props.Chips, views.FilterChip{Label: label, Current: kind == kinds[i], Href: views.WithQuery(own, "kind", string(kinds[i]))})
	}
	amend(&props.Replay)
	return render(w, r, status, views.RedrivesPage(props))
}

// Show is the page of one operation.
func (h *Redrives) Show(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, http.StatusOK, views.ActForm{})
}

func (h *Redrives) show(w http.ResponseWriter, r *http.Request, status int, act views.ActForm) error {
	op, err := h.operations.Get(r.Context(), param(r, "id"))
	if err != nil {
		return err
	}
	state, err := h.state.Overview(r.Context())
	if err != nil {
		return err
	}
	cause, err := h.cause(r.Context(), op.Selector)
	if err != nil {
		return err
	}
	props := views.RedriveProps{Page: h.frame(r, views.SectionRedrives, views.OperationTitle(op, cause)), Operation: op, Cause: cause, Act: act}
	props.Back = views.Href(baseOf(r), "redrives")
	for i, b := range state.Breakers {
		if op.HeldBy != "" && b.Name == op.HeldBy {
			props.Breaker = &state.Breakers[i]
		}
	}
	return render(w, r, status, views.RedrivePage(props))
}

// cause is the error of the group an operation is about, as long as the group
// has letters.
func (h *Redrives) cause(ctx context.Context, sel pipeline.Selector) (string, error) {
	if sel.Group == "" {
		return "", nil
	}
	groups, err := h.letters.letters.Groups(ctx, sel.Pipeline, "")
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(groups, func(g pipeline.Group) bool { return g.Group == sel.Group })
	if i < 0 {
		return "", nil
	}
	return groups[i].Error, nil
}
