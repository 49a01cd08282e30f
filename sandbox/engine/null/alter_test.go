package null

import (
	"bytes"
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

func TestAlteredDocumentsAreUnlikeWhatTheyShouldBe(t *testing.T) {
	for _, kind := range IDKinds() {
		t.Run(string(kind), func(t *testing.T) {
			o := testOptions(kind, 100, false)
			for n, alteration := range AlterationKinds() {
				o.Altered = append(o.Altered, Alteration{Kind: alteration, Document: int64(n)})
			}
			server, c := serve(t, NewSource, o)
			found := find(t, c, bson.D{}, ascending().SetBatchSize(7))
			if len(found) != 99 { // one is missing
				t.Fatalf("found %d documents", len(found))
			}
			for n, document := range found {
				i := n + 1
				if err := document.Validate(); err != nil || len(document) != o.DocumentBytes {
					t.Fatalf("document %d has %d bytes: %v", i, len(document), err)
				}
				should := server.layout.document(int64(i))
				if i >= len(o.Altered) {
					if !bytes.Equal(document, should) {
						t.Errorf("document %d is altered", i)
					}
					continue
				}
				if bytes.Equal(document, should) {
					t.Errorf("document %d is not altered", i)
				}
				amount := document.Lookup("total_amount")
				switch alteration := o.Altered[i].Kind; alteration {
				case FlippedByte:
					if document.Lookup("notes").Equal(bson.Raw(should).Lookup("notes")) {
						t.Error("the text is as it was")
					}
				case SwappedFields:
					elements, _ := document.Elements()
					if elements[1].Key() != "total_amount" || elements[2].Key() != "check" || !elements[2].Value().Equal(bson.Raw(should).Lookup("check")) {
						t.Errorf("the fields are %v", elements[:3])
					}
				case One, OneAsDouble:
					if n, _ := amount.AsInt64OK(); n != 1 || (amount.Type == bson.TypeInt64) != (alteration == One) {
						t.Errorf("%s is %v", alteration, amount)
					}
				case NaN:
					if !math.IsNaN(amount.Double()) {
						t.Errorf("%s is %v", alteration, amount)
					}
				case Zero, NegativeZero:
					if f := amount.Double(); f != 0 || math.Signbit(f) != (alteration == NegativeZero) {
						t.Errorf("%s is %v", alteration, amount)
					}
				}
			}
			if n, err := c.CountDocuments(t.Context(), bson.D{}); err != nil || n != 99 {
				t.Errorf("it counts %d, %v", n, err)
			}
		})
	}
}

func TestAlterationsAreParsed(t *testing.T) {
	for text, want := range map[string]Alteration{
		"nan=7":       {Kind: NaN, Document: 7},
		"missing=all": {Kind: Missing, All: true},
	} {
		if got, err := ParseAlteration(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "nan", "nan=", "nan=x", "other=1", "=1"} {
		if got, err := ParseAlteration(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
