package wire

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/x/bsonx/bsoncore"
)

// WriteError is why one operation of a write was not done.
type WriteError struct {
	Code    int32
	Message string
}

// operationsField is the array that holds a write's operations; empty for other commands.
func (c *Command) operationsField() string {
	switch {
	case c.Is("insert"):
		return "documents"
	case c.Is("update"):
		return "updates"
	case c.Is("delete"):
		return "deletes"
	}
	return ""
}

// IsWrite tells whether the command is an insert, an update or a delete.
func (c *Command) IsWrite() bool { return c.operationsField() != "" }

// Ordered tells whether a write stops at its first failure.
func (c *Command) Ordered() bool { return isTrue(c.Body.Lookup("ordered"), true) }

// Operations lists a write's operations, those of an insert being its documents. It is an error for another
// command.
func (c *Command) Operations() ([]bson.Raw, error) {
	field := c.operationsField()
	if field == "" {
		return nil, fmt.Errorf("command %s writes nothing", c.Name)
	}
	for _, section := range c.Sections {
		if section.Field != field {
			continue
		}
		var operations []bson.Raw
		for rest := section.Documents; len(rest) > 0; {
			operation, after, err := takeDocument(rest)
			if err != nil {
				return nil, err
			}
			operations, rest = append(operations, operation), after
		}
		return operations, nil
	}
	array, ok := c.Body.Lookup(field).ArrayOK()
	if !ok {
		return nil, fmt.Errorf("command %s without %s", c.Name, field)
	}
	values, err := array.Values()
	if err != nil {
		return nil, fmt.Errorf("command %s: %w", c.Name, err)
	}
	operations := make([]bson.Raw, len(values))
	for n, value := range values {
		if operations[n], ok = value.DocumentOK(); !ok {
			return nil, fmt.Errorf("command %s: element %d of %s is not a document", c.Name, n, field)
		}
	}
	return operations, nil
}

// WithOperations is the write with other operations.
func (c *Command) WithOperations(operations []bson.Raw) *Command {
	field := c.operationsField()
	altered := c.WithBody(Without(c.Body, field))
	size := 0
	for _, operation := range operations {
		size += len(operation)
	}
	documents := make([]byte, 0, size)
	for _, operation := range operations {
		documents = append(documents, operation...)
	}
	altered.Sections = slices.DeleteFunc(slices.Clone(c.Sections), func(s Section) bool { return s.Field == field })
	altered.Sections = append(altered.Sections, Section{Field: field, Documents: documents})
	return altered
}

// PartialWrite forwards a write without the operations that refused names by their index, and answers as a
// server does that applied the others: an ordered write ends at its first failure.
func PartialWrite(ctx context.Context, command *Command, refused map[int]WriteError, next Next) (*Reply, error) {
	if len(refused) == 0 {
		return next(ctx, command)
	}
	operations, err := command.Operations()
	if err != nil {
		return nil, err
	}
	ordered := command.Ordered()
	var sent []bson.Raw
	var indexes []int // of those sent, in the client's command
	failed := map[int]WriteError{}
	for n, operation := range operations {
		if failure, is := refused[n]; is {
			failed[n] = failure
			if ordered {
				break
			}
			continue
		}
		sent, indexes = append(sent, operation), append(indexes, n)
	}
	var answer bson.Raw
	if len(sent) == 0 {
		if command.Unacknowledged {
			return nil, nil
		}
		if answer, err = nothingWritten(command); err != nil {
			return nil, err
		}
	} else {
		reply, err := next(ctx, command.WithOperations(sent))
		if err != nil || reply == nil || !reply.OK() {
			return reply, err
		}
		answer = reply.Document()
	}
	return mergeWrite(answer, indexes, failed, ordered)
}

func nothingWritten(command *Command) (bson.Raw, error) {
	answer := bson.D{{Key: "n", Value: int32(0)}}
	if command.Is("update") {
		answer = append(answer, bson.E{Key: "nModified", Value: int32(0)})
	}
	return bson.Marshal(append(answer, bson.E{Key: "ok", Value: float64(1)}))
}

// mergeWrite gives the failures and upserts of a server's answer their indexes in the client's command back,
// and adds those that the server never saw.
func mergeWrite(answer bson.Raw, indexes []int, failed map[int]WriteError, ordered bool) (*Reply, error) {
	upserted, err := reindexed(answer, "upserted", indexes)
	if err != nil {
		return nil, err
	}
	failures, err := reindexed(answer, "writeErrors", indexes)
	if err != nil {
		return nil, err
	}
	if !ordered || len(failures) == 0 {
		for index, failure := range failed {
			failures[index] = bsoncore.NewDocumentBuilder().
				AppendInt32("index", int32(index)).
				AppendInt32("code", failure.Code).
				AppendString("errmsg", failure.Message).
				Build()
		}
	}
	out := Without(answer, "writeErrors", "upserted")
	out = out[:len(out)-1]
	out = appendByIndex(out, "upserted", upserted)
	out = appendByIndex(out, "writeErrors", failures)
	return NewReply(setLength(append(out, 0))), nil
}

func reindexed(answer bson.Raw, field string, indexes []int) (map[int]bsoncore.Document, error) {
	found := map[int]bsoncore.Document{}
	array, ok := answer.Lookup(field).ArrayOK()
	if !ok {
		return found, nil
	}
	values, err := array.Values()
	if err != nil {
		return nil, fmt.Errorf("%s of a reply: %w", field, err)
	}
	for _, value := range values {
		entry, isDocument := value.DocumentOK()
		index, isNumber := entry.Lookup("index").AsInt64OK()
		if !isDocument || !isNumber || index < 0 || index >= int64(len(indexes)) {
			return nil, fmt.Errorf("%s of a reply names an operation that was not sent", field)
		}
		original := indexes[index]
		renumbered, err := With(entry, bson.D{{Key: "index", Value: int32(original)}})
		if err != nil {
			return nil, err
		}
		found[original] = bsoncore.Document(renumbered)
	}
	return found, nil
}

func appendByIndex(dst []byte, field string, entries map[int]bsoncore.Document) []byte {
	if len(entries) == 0 {
		return dst
	}
	order := make([]int, 0, len(entries))
	for index := range entries {
		order = append(order, index)
	}
	slices.Sort(order)
	array := bsoncore.NewArrayBuilder()
	for _, index := range order {
		array.AppendDocument(entries[index])
	}
	return bsoncore.AppendArrayElement(dst, field, array.Build())
}
