package pipeline

import "context"

// listMost is how many records one page has at most.
const listMost = 500

// listAll reads every record of a kind of which there are few.
func listAll(ctx context.Context, records RecordStore, kind string) ([]Record, error) {
	var all []Record
	for cursor := ""; ; {
		page, err := records.List(ctx, kind, cursor, listMost)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// listByID reads every record of a kind of which there are few, by id.
func listByID(ctx context.Context, records RecordStore, kind string) (map[string]Record, error) {
	all, err := listAll(ctx, records, kind)
	byID := make(map[string]Record, len(all))
	for _, rec := range all {
		byID[rec.ID] = rec
	}
	return byID, err
}
