package endpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// opMsg is a reply with a document.
func opMsg(t testing.TB, document any) []byte {
	t.Helper()
	body, err := bson.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	index, message := wiremessage.AppendHeaderStart(nil, 1, 2, wiremessage.OpMsg)
	message = wiremessage.AppendMsgFlags(message, 0)
	message = append(wiremessage.AppendMsgSectionType(message, wiremessage.SingleDocument), body...)
	return bsoncore.UpdateLength(message, index, int32(len(message)))
}

func compressed(t testing.TB, message []byte) []byte {
	t.Helper()
	const header = 16
	payload, err := driver.CompressPayload(message[header:], driver.CompressionOpts{Compressor: wiremessage.CompressorSnappy})
	if err != nil {
		t.Fatal(err)
	}
	index, out := wiremessage.AppendHeaderStart(nil, 1, 2, wiremessage.OpCompressed)
	out = wiremessage.AppendCompressedOriginalOpCode(out, wiremessage.OpMsg)
	out = wiremessage.AppendCompressedUncompressedSize(out, int32(len(message)-header))
	out = wiremessage.AppendCompressedCompressorID(out, wiremessage.CompressorSnappy)
	return bsoncore.UpdateLength(append(out, payload...), index, int32(len(out)+len(payload)))
}

// replies are what servers answer, well and badly.
func replies(t testing.TB) [][]byte {
	batch := bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{{Key: "id", Value: int64(7)}, {Key: "ns", Value: "a.b"},
		{Key: "firstBatch", Value: bson.A{bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "_id", Value: "x"}, {Key: "a", Value: bson.A{1, 2}}}}}}}}
	refused := bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 2}, {Key: "writeErrors", Value: bson.A{
		bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "E11000 duplicate key"}},
		bson.D{{Key: "index", Value: 2}, {Key: "code", Value: 16500}, {Key: "errmsg", Value: "Error=16500, RetryAfterMs=34, Details='x'"}}}}}
	concern := bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: 4}, {Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 64}, {Key: "errmsg", Value: "timeout"}}}}
	failed := bson.D{{Key: "ok", Value: 0}, {Key: "code", Value: 43}, {Key: "codeName", Value: "CursorNotFound"}, {Key: "errmsg", Value: "cursor id 7 not found"}}
	var list [][]byte
	for _, document := range []bson.D{batch, refused, concern, failed, {}, {{Key: "ok", Value: "yes"}}, {{Key: "cursor", Value: bson.A{}}}} {
		message := opMsg(t, document)
		list = append(list, message, compressed(t, message), message[:len(message)-3])
	}
	vast := compressed(t, list[0])
	binary.LittleEndian.PutUint32(vast[20:], 0x7fffffff) // says that it unpacks to 2 GB
	return append(list, vast)
}

// Whatever bytes a server answers, they are read or refused; nothing panics, and what is read lies inside of them.
func FuzzReply(f *testing.F) {
	for _, message := range replies(f) {
		f.Add(message)
	}
	sent := []int{10, 11, 12, 13}
	known := map[int]bool{10: true, 11: true, 12: true, 13: true}
	f.Fuzz(func(t *testing.T, message []byte) {
		document, err := replyDocument(message)
		if err != nil {
			return
		}
		refusal := commandError(document)
		if text := refusal.Error(); len(text) > 2000+len(refusal.Name) {
			t.Errorf("a message of %d bytes", len(text))
		}
		_ = Transient(refusal)
		for _, field := range []string{"firstBatch", "nextBatch"} {
			_, _, documents, err := readBatch(document, field, 2)
			if err != nil {
				continue
			}
			total := 0
			for _, d := range documents {
				total += len(d)
				if int(binary.LittleEndian.Uint32(d)) != len(d) {
					t.Errorf("a document of %d bytes says that it has %d", len(d), binary.LittleEndian.Uint32(d))
				}
				_, _ = IDOf(d)
			}
			if total > len(document) {
				t.Errorf("%d bytes of documents in a reply of %d", total, len(document))
			}
		}
		var inserter Inserter
		err = inserter.examine(document, sent)
		var partly *partialError
		if !errors.As(err, &partly) {
			return
		}
		seen := map[int]bool{}
		note := func(index int) {
			if !known[index] || seen[index] {
				t.Errorf("index %d is unknown, or met twice", index)
			}
			seen[index] = true
		}
		for _, e := range partly.final {
			note(e.Index)
			_ = shorten(e.Message)
		}
		for _, index := range partly.again {
			note(index)
		}
		_ = retryAfter(partly.Error())
	})
}

// An error is of one kind, whatever a server wrote into it.
func FuzzClassify(f *testing.F) {
	f.Add(int32(16500), "RequestRateTooLarge", "Error=16500, RetryAfterMs=34, Details='Batch write error.'")
	f.Add(int32(50), "ExceededTimeLimit", "Request timed out. Retries due to rate limiting: True.")
	f.Add(int32(0), "", "not master and slaveOk=false")
	f.Add(int32(43), "CursorNotFound", "RetryAfterMs=99999999999999999999")
	f.Add(int32(11000), "", "E11000 duplicate key error \xff\xfe")
	f.Fuzz(func(t *testing.T, code int32, name, message string) {
		err := &CommandError{Code: code, Name: name, Message: message}
		wrapped := fmt.Errorf("connection a: insert into b.c: %w", err)
		if Code(wrapped) != code || Transient(wrapped) != Transient(err) {
			t.Error("wrapping an error changes what it is")
		}
		if Throttled(code, message) && !Transient(err) {
			t.Error("a throttled command is not tried again")
		}
		if pause := retryAfter(message); pause < 0 || pause > 25*24*time.Hour {
			t.Errorf("waits for %s", pause)
		}
		if short := shorten(message); len(short) > 1010 || utf8.ValidString(message) && !utf8.ValidString(short) {
			t.Errorf("%q", short)
		}
	})
}
