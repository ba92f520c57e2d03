package aws

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"

	"redrive/pipeline"
)

// A payload lies in its item as it came, or deflated where that takes fewer write
// units: DynamoDB charges by the kilobyte when it is stored, and by four each
// time a step reads it.
const attrDeflated = "bz"

// deflater packs payloads. What it works with is large and used again.
type deflater struct{ writers sync.Pool }

// keep puts a payload into its item, which has all else that belongs there.
func (d *deflater) keep(it item, payload []byte) {
	it[attrBody] = blob(payload)
	plain := writeUnits(it)
	if plain == whole {
		return
	}
	packed, ok := d.deflate(payload)
	if !ok {
		return
	}
	delete(it, attrBody)
	if it[attrDeflated] = blob(packed); writeUnits(it) >= plain {
		delete(it, attrDeflated)
		it[attrBody] = blob(payload)
	}
}

func (d *deflater) deflate(payload []byte) ([]byte, bool) {
	w, ok := d.writers.Get().(*flate.Writer)
	if !ok {
		w, _ = flate.NewWriter(nil, flate.DefaultCompression) //nolint:errcheck // the level exists
	}
	defer d.writers.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, err := w.Write(payload)
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err == nil
}

// body is the payload of its item, nil if there is none.
func (i item) body() ([]byte, error) {
	if !i.has(attrDeflated) {
		return i.blob(attrBody), nil
	}
	payload, err := io.ReadAll(flate.NewReader(bytes.NewReader(i.blob(attrDeflated))))
	if err != nil {
		return nil, &pipeline.Error{Code: pipeline.CodeUnavailable, Text: "the payload " + i.str(attrSK) + " in the table is damaged", Err: err}
	}
	return payload, nil
}
