package cosmos

import (
	"context"
	"time"

	"vida/sandbox/wire"
)

// admit lets a command start, or is the answer to it: the partitions that it asks must not be in debt.
func (d *Double) admit(ctx context.Context, m *meter, partition int) (*wire.Reply, error) {
	if !d.profile.Metered {
		return nil, nil
	}
	var blamed int
	wait, inTime, err := d.patiently(ctx, d.patience(), func() time.Duration {
		wait, at := d.account.wait(partition)
		blamed = at
		return wait
	})
	switch {
	case err != nil || wait == 0:
		return nil, err
	case inTime:
		d.throttle(m, blamed)
		return d.rateError(wait), nil
	}
	d.throttle(m, blamed)
	m.timedOut = true
	return timeoutError(), nil
}

// patience is until when the server itself goes on trying; the zero time when it does not.
func (d *Double) patience() time.Time {
	if !d.retrying.Load() {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(d.profile.ServerSideRetryFor))
}

// patiently repeats try, which tells how long it has to be waited for, until it succeeds or patience ends.
// The second result is false where patience was needed and ended.
func (d *Double) patiently(ctx context.Context, until time.Time, try func() time.Duration) (time.Duration, bool, error) {
	for {
		wait := try()
		if wait == 0 || until.IsZero() {
			return wait, true, nil
		}
		left := time.Until(until)
		if left <= 0 {
			return wait, false, nil
		}
		timer := time.NewTimer(min(wait, left))
		select {
		case <-ctx.Done():
			timer.Stop()
			return 0, false, ctx.Err()
		case <-timer.C:
		}
	}
}

// throttle charges for an attempt that was not admitted.
func (d *Double) throttle(m *meter, partition int) {
	d.account.refuse(partition)
	m.throttled = true
	m.wasted += chargeThrottled
	m.units += chargeThrottled
}

// charge charges for what was done.
func (d *Double) charge(m *meter, partition int, units float64) {
	if !d.profile.Metered || units == 0 {
		return
	}
	d.account.charge(partition, units)
	m.units += units
}
