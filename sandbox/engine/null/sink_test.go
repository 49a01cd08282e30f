package null

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/x/mongo/driver/wiremessage"
)

// document makes document i.
func (l layout) document(i int64) []byte { return append(l.appendHead(nil, i), l.tail...) }

// documentsOf makes the documents [first, past) of a server's collection.
func documentsOf(s *Server, first, past int64) []any {
	var documents []any
	for i := first; i < past; i++ {
		documents = append(documents, bson.Raw(s.layout.document(i)))
	}
	return documents
}

func unordered() *options.InsertManyOptions { return options.InsertMany().SetOrdered(false) }

func TestCopyThroughTheDriver(t *testing.T) {
	for _, kind := range IDKinds() {
		t.Run(string(kind), func(t *testing.T) {
			o := testOptions(kind, 30_000, true)
			source, from := serve(t, NewSource, o)
			sink, to := serve(t, NewSink, o)
			cursor, err := from.Find(t.Context(), bson.D{})
			if err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			for batch := []any(nil); ; batch = nil {
				for len(batch) < 1000 && cursor.Next(t.Context()) {
					batch = append(batch, slices.Clone(cursor.Current))
				}
				if len(batch) == 0 {
					break
				}
				group.Go(func() {
					if _, err := to.InsertMany(t.Context(), batch, unordered()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			got := sink.Stats()
			if got.Checked != o.Documents || got.Documents != o.Documents || got.Wrong+got.Doubled+got.Missing != 0 {
				t.Errorf("the sink has %+v", got)
			}
			if served := source.Stats(); served.Served != o.Documents || served.BytesOut != got.BytesIn {
				t.Errorf("the source has %+v, the sink %+v", served, got)
			}
			if n, err := to.CountDocuments(t.Context(), bson.D{}); err != nil || n != o.Documents {
				t.Errorf("the sink counts %d, %v", n, err)
			}
		})
	}
}

// insertMessage is an insert of one document, which need not be sound, with the document in a sequence of its own.
func insertMessage(document []byte) []byte {
	body := bsoncore.NewDocumentBuilder().AppendString("insert", "c").AppendString("$db", "d").Build()
	message := append(make([]byte, headerBytes+4), byte(wiremessage.SingleDocument))
	message = append(append(message, body...), byte(wiremessage.DocumentSequence))
	message = binary.LittleEndian.AppendUint32(message, uint32(4+len("documents")+1+len(document)))
	message = append(append(append(message, "documents"...), 0), document...)
	binary.LittleEndian.PutUint32(message, uint32(len(message)))
	binary.LittleEndian.PutUint32(message[12:], uint32(wiremessage.OpMsg))
	return message
}

func TestSinkFindsEveryWrongByte(t *testing.T) {
	sink, _ := serve(t, NewSink, testOptions(String, 1000, false))
	conn, err := net.Dial("tcp", sink.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	exchange := func(document []byte) bson.Raw {
		t.Helper()
		if _, err := conn.Write(insertMessage(document)); err != nil {
			t.Fatal(err)
		}
		reply := make([]byte, 64<<10)
		n, err := conn.Read(reply)
		if err != nil {
			t.Fatal(err)
		}
		return bson.Raw(reply[headerBytes+5 : n])
	}
	right := sink.layout.document(500)
	const lengthBytes = 4 // a wrong length is another kind of trouble
	for at := lengthBytes; at < len(right); at++ {
		wrong := bytes.Clone(right)
		wrong[at] ^= 1
		reply := exchange(wrong)
		code, _ := reply.Lookup("writeErrors", "0", "code").AsInt64OK()
		// A flip in the _id may make it that of another document, whose check is another.
		if code != codeDocumentValidationFailed || reply.Lookup("n").Int32() != 0 {
			t.Fatalf("byte %d was flipped, and the answer is %v", at, reply)
		}
	}
	stats := sink.Stats()
	if stats.Wrong != int64(len(right)-lengthBytes) || stats.Documents != 0 || len(stats.WrongExamples) != maxExamples {
		t.Errorf("the sink has %+v", stats)
	}
	if reply := exchange(right); reply.Lookup("n").Int32() != 1 {
		t.Errorf("the document itself gave %v", reply)
	}
}

func TestMalformedMessagesEndTheConnection(t *testing.T) {
	sink, c := serve(t, NewSink, testOptions(Int, 10, false))
	sound := insertMessage(sink.layout.document(3))
	changed := func(at int, to byte) []byte {
		message := bytes.Clone(sound)
		message[at] = to
		return message
	}
	for name, message := range map[string][]byte{
		"an unknown opcode":       changed(12, 1),
		"a length of 0":           append(make([]byte, 4), sound[4:]...),
		"a checksum":              changed(headerBytes, 1),
		"a body that is too long": changed(headerBytes+6, 0x7f),
		"an unknown section":      changed(bytes.Index(sound, []byte("documents"))-5, 9),
		"a sequence of nothing":   changed(bytes.Index(sound, []byte("documents")), 'D'),
		"a document too long":     changed(bytes.Index(sound, []byte("documents"))+len("documents")+2, 0x7f),
	} {
		conn, err := net.Dial("tcp", sink.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(message); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 100)); n > 0 || err == nil {
			t.Errorf("%s was answered", name)
		}
		_ = conn.Close()
	}
	if err := c.Database().Client().Ping(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestSinkTellsMixedUpDocuments(t *testing.T) {
	sink, c := serve(t, NewSink, testOptions(ObjectID, 1000, false))
	mixed := sink.layout.document(1)
	other := sink.layout.document(2)
	copy(mixed[sink.layout.idEnd:], other[sink.layout.idEnd:])
	short := bson.D{{Key: "_id", Value: id(other)}, {Key: "status", Value: "completed"}}
	stranger := bson.D{{Key: "_id", Value: "nobody"}}
	for _, document := range []any{bson.Raw(mixed), short, stranger} {
		if _, err := c.InsertOne(t.Context(), document); err == nil {
			t.Errorf("%v was taken", document)
		}
	}
}

func TestSinkTellsDoubles(t *testing.T) {
	sink, c := serve(t, NewSink, testOptions(Int, 1000, false))
	ctx := t.Context()
	if _, err := c.InsertMany(ctx, documentsOf(sink, 10, 20), unordered()); err != nil {
		t.Fatal(err)
	}
	var failed mongo.BulkWriteException
	_, err := c.InsertMany(ctx, documentsOf(sink, 5, 15), unordered())
	if !errors.As(err, &failed) || len(failed.WriteErrors) != 5 || failed.WriteErrors[0].Index != 5 || !mongo.IsDuplicateKeyError(err) {
		t.Errorf("five doubles of ten gave %v", err)
	}
	if _, err = c.InsertMany(ctx, documentsOf(sink, 8, 30)); !errors.As(err, &failed) || len(failed.WriteErrors) != 1 || failed.WriteErrors[0].Index != 0 {
		t.Errorf("an ordered insert that begins with a double gave %v", err)
	}
	stats := sink.Stats()
	if stats.Doubled != 6 || stats.Documents != 15 || stats.Missing != 985 || stats.Wrong != 0 {
		t.Errorf("the sink has %+v; want 6 doubled, 15 there", stats)
	}
	found := find(t, c, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{int64(3), int64(7), int64(19), int64(20)}}}}})
	if len(found) != 2 || id(found[0]).Int64() != 7 || id(found[1]).Int64() != 19 {
		t.Errorf("$in found %v; want 7 and 19", found)
	}
	if n, err := c.DeleteOne(ctx, bson.D{{Key: "_id", Value: int64(7)}}); err != nil || n.DeletedCount != 1 {
		t.Errorf("delete gave %v, %v", n, err)
	}
	if got := find(t, c, bson.D{}, ascending()); len(got) != 14 {
		t.Errorf("%d documents are left; want 14", len(got))
	}
	if got := find(t, c, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetLimit(3)); len(got) != 3 || id(got[2]).Int64() != 17 {
		t.Errorf("backwards gave %v; want 19, 18, 17", got)
	}
}

func TestSinkTakesUnacknowledgedAndLargeDocuments(t *testing.T) {
	o := testOptions(UUID, 100, false)
	o.DocumentBytes = 5 << 20 // above every buffer
	sink, c := serve(t, NewSink, o)
	if _, err := c.InsertMany(t.Context(), documentsOf(sink, 0, 12), unordered()); err != nil { // more than a message
		t.Fatal(err)
	}
	silent, err := c.Clone(options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := silent.InsertMany(t.Context(), documentsOf(sink, 10, 14), unordered()); err != nil && !errors.Is(err, mongo.ErrUnacknowledgedWrite) {
		t.Fatal(err)
	}
	if err := c.Database().Client().Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for got := sink.Stats(); got.Documents != 14; got = sink.Stats() { // another connection: it may take a moment
		if t.Context().Err() != nil || got.Wrong > 0 {
			t.Fatalf("the sink has %+v", got)
		}
	}
	if got := find(t, c, bson.D{}); len(got) != 14 || sink.Stats().Doubled != 2 {
		t.Errorf("found %d documents; the sink has %+v", len(got), sink.Stats())
	}
}

func TestCollectionsComeAndGo(t *testing.T) {
	sink, c := serve(t, NewSink, testOptions(Int, 100, false))
	ctx := t.Context()
	database := c.Database()
	if err := database.CreateCollection(ctx, "empty"); err != nil {
		t.Fatal(err)
	}
	if err := database.CreateCollection(ctx, "empty"); err == nil {
		t.Error("it was created twice")
	}
	if _, err := database.Collection("other").InsertMany(ctx, documentsOf(sink, 0, 9)); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Collection("other").Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "status", Value: 1}}}); err != nil {
		t.Fatal(err)
	}
	if indexes, err := database.Collection("other").Indexes().ListSpecifications(ctx); err != nil || len(indexes) != 2 || indexes[1].Name != "status_1" {
		t.Errorf("indexes are %v, %v", indexes, err)
	}
	if names, err := database.ListCollectionNames(ctx, bson.D{}); err != nil || !slices.Equal(names, []string{"empty", "other"}) {
		t.Errorf("collections are %v, %v", names, err)
	}
	if err := database.Collection("other").Drop(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := database.Collection("other").CountDocuments(ctx, bson.D{}); err != nil || n != 0 {
		t.Errorf("dropped, it counts %d, %v", n, err)
	}
}

func TestStatisticsByCommand(t *testing.T) {
	sink, c := serve(t, NewSink, testOptions(Int, 100, false))
	if _, err := c.InsertMany(t.Context(), documentsOf(sink, 0, 60)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{60, 0} { // reset forgets what was done, not what is there
		var got Stats
		command := bson.D{{Key: statsCommand, Value: 1}, {Key: "reset", Value: true}}
		if err := c.Database().RunCommand(t.Context(), command).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Checked != want || got.Documents != 60 || got.Missing != 40 {
			t.Errorf("statistics are %+v; want %d checked, 60 there, 40 missing", got, want)
		}
	}
}
