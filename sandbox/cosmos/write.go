package cosmos

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"vida/sandbox/wire"
)

// write lets each operation pass that its partition admits, and refuses the others.
func (d *Double) write(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	operations, err := command.Operations()
	if err != nil {
		return nil, err
	}
	if len(operations) < 1 || len(operations) > d.profile.MaxWriteBatch {
		return wire.ErrorReply(codeInvalidLength, "InvalidLength", fmt.Sprintf(
			"Write batch sizes must be between 1 and %d. Got %d operations.", d.profile.MaxWriteBatch, len(operations))), nil
	}
	refused, longest, err := d.selectWrites(ctx, m, command, operations)
	if err != nil {
		return nil, err
	}
	changing, ids, err := d.touched(ctx, command, operations, next)
	if err != nil {
		return nil, err
	}
	reply, err := wire.PartialWrite(ctx, command, refused, next)
	if changing != nil {
		changing.wrote(ids) // whatever became of it: a stream may tell of a document once too often
	}
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	switch {
	case m.timedOut:
		return timeoutError(), nil
	case m.throttled && d.failsAsCommand():
		return d.rateError(longest), nil
	}
	if deleted, _ := reply.Document().Lookup("n").AsInt64OK(); command.Is("delete") && int(deleted) > len(operations) {
		d.charge(m, everyPartition, float64(int(deleted)-len(operations))*insertion(0))
	}
	return reply, nil
}

func (d *Double) failsAsCommand() bool {
	return d.profile.ThrottledWrites == WritesCommand || d.profile.ThrottledWrites == WritesMixed && d.luck(0.5)
}

// selectWrites charges for the operations that are admitted, and says which are refused, why, and how long the
// busiest partition has to be waited for. Operations after the end of patience, and after an ordered write's
// first failure, are refused too.
func (d *Double) selectWrites(ctx context.Context, m *meter, command *wire.Command, operations []bson.Raw) (map[int]wire.WriteError, time.Duration, error) {
	refused := map[int]wire.WriteError{}
	var longest time.Duration
	patience := d.patience()
	for index, operation := range operations {
		partition, units, size := d.price(command, operation)
		if d.profile.MaxDocumentBytes > 0 && size > d.profile.MaxDocumentBytes {
			refused[index] = wire.WriteError{Code: codeTooLarge, Message: tooLargeMessage}
			d.charge(m, partition, chargeMetadata)
		} else if d.profile.Metered {
			var blamed int
			wait, inTime, err := d.patiently(ctx, patience, func() time.Duration {
				wait, at := d.take(partition, units)
				blamed = at
				return wait
			})
			if err != nil {
				return nil, 0, err
			}
			if wait == 0 {
				m.units += units
				continue
			}
			d.throttle(m, blamed)
			m.throttledWrites++
			longest = max(longest, wait)
			if !inTime {
				m.timedOut = true
				for rest := index; rest < len(operations); rest++ {
					refused[rest] = wire.WriteError{Code: codeExceededTimeLimit}
				}
				return refused, longest, nil
			}
			refused[index] = wire.WriteError{Code: codeRateTooLarge, Message: d.rateMessage(wait, false)}
		}
		if _, failed := refused[index]; failed && command.Ordered() {
			break // PartialWrite sends nothing after it
		}
	}
	return refused, longest, nil
}

// take charges one partition, or all of them where none is in debt.
func (d *Double) take(partition int, units float64) (time.Duration, int) {
	if partition != everyPartition {
		return d.account.take(partition, units), partition
	}
	wait, blamed := d.account.wait(everyPartition)
	if wait == 0 {
		d.account.charge(everyPartition, units)
	}
	return wait, blamed
}

// price is where an operation goes, what it costs, and how large a document it writes.
func (d *Double) price(command *wire.Command, operation bson.Raw) (partition int, units float64, size int) {
	switch {
	case command.Is("insert"):
		return d.account.partitionOf(operation.Lookup("_id")), insertion(len(operation)), len(operation)
	case command.Is("update"):
		size := len(operation.Lookup("u").Value)
		filter, _ := operation.Lookup("q").DocumentOK()
		return d.target(filter), replacement(size), size
	default:
		filter, _ := operation.Lookup("q").DocumentOK()
		return d.target(filter), insertion(0), 0
	}
}

// modify is findAndModify: a read and a replacement.
func (d *Double) modify(ctx context.Context, m *meter, command *wire.Command, next wire.Next) (*wire.Reply, error) {
	filter, _ := command.Body.Lookup("query").DocumentOK()
	partition := d.target(filter)
	if reply, err := d.admit(ctx, m, partition); reply != nil || err != nil {
		return reply, err
	}
	changing, ids, err := d.touched(ctx, command, []bson.Raw{command.Body}, next)
	if err != nil {
		return nil, err
	}
	reply, err := next(ctx, command)
	if changing != nil {
		changing.wrote(ids)
	}
	if err != nil || reply == nil || !reply.OK() {
		return reply, err
	}
	d.charge(m, partition, replacement(len(command.Body.Lookup("update").Value)))
	return reply, nil
}
