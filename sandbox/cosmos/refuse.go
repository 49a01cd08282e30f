package cosmos

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// refuse is the answer to what the account does not do, and nil for the rest.
func (d *Double) refuse(command *wire.Command) *wire.Reply {
	if command.Is(d.profile.UnsupportedCommands...) {
		return notSupported("Command %s not supported.", command.Name)
	}
	if d.profile.RefuseRetryableWrites && isRetryableWrite(command) {
		return wire.ErrorReply(codeBadValue, "BadValue", retryableWritesMessage)
	}
	for _, stage := range stages(command) {
		if stage.name == "$changeStream" && !d.profile.ChangeStreams || slices.Contains(d.profile.UnsupportedStages, stage.name) {
			return wire.ErrorReply(codeUnknownStage, "Location40324", "Unrecognized pipeline stage name: '"+stage.name+"'")
		}
	}
	return nil
}

// isRetryableWrite: a transaction number, and yet no transaction.
func isRetryableWrite(command *wire.Command) bool {
	return command.Body.Lookup("txnNumber").Type != 0 && command.Body.Lookup("autocommit").Type == 0
}

// stage is one stage of an aggregation.
type stage struct {
	name string
	spec bson.RawValue
}

// stages lists an aggregation's stages; none for another command.
func stages(command *wire.Command) []stage {
	if !command.Is("aggregate") {
		return nil
	}
	pipeline, _ := command.Body.Lookup("pipeline").ArrayOK()
	values, _ := pipeline.Values() // what does not parse is for the server to refuse
	var list []stage
	for _, value := range values {
		document, _ := value.DocumentOK()
		if element, err := document.IndexErr(0); err == nil {
			list = append(list, stage{name: element.Key(), spec: element.Value()})
		}
	}
	return list
}

// equalID is the _id that a filter asks for, where it asks for one.
func equalID(filter bson.Raw) (bson.RawValue, bool) {
	id, err := filter.LookupErr("_id")
	if err != nil || id.Type == bson.TypeRegex {
		return bson.RawValue{}, false
	}
	document, isDocument := id.DocumentOK()
	if !isDocument {
		return id, true
	}
	element, err := document.IndexErr(0)
	switch {
	case err != nil || !strings.HasPrefix(element.Key(), "$"):
		return id, true // a subdocument as _id
	case element.Key() == "$eq":
		return element.Value(), true
	}
	return bson.RawValue{}, false
}

// target is the partition that a filter asks, or everyPartition.
func (d *Double) target(filter bson.Raw) int {
	if id, ok := equalID(filter); ok {
		return d.account.partitionOf(id)
	}
	return everyPartition
}
