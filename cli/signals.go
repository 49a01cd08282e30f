package cli

import (
	"context"
	"os"
	"sync"
)

// interrupts are the operator's wishes to end, as they arrive.
type interrupts struct {
	first     chan struct{} // closed at the first
	ctx       context.Context
	cancel    context.CancelFunc
	abandoned chan struct{} // closed at the third: what does not end now never will
	quit      chan struct{}
	done      sync.WaitGroup
}

// watchSignals starts to listen; release ends it. Commands other than run have nothing to save, so they end at
// the first interrupt: see endAtOnce.
func (a *app) watchSignals() *interrupts {
	i := &interrupts{first: make(chan struct{}), abandoned: make(chan struct{}), quit: make(chan struct{})}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	i.done.Go(func() { i.watch(a.signals) })
	return i
}

func (i *interrupts) watch(signals <-chan os.Signal) {
	for n := 1; n <= 3; n++ {
		select {
		case <-signals:
		case <-i.quit:
			return
		}
		switch n {
		case 1:
			close(i.first)
		case 2:
			i.cancel()
		case 3:
			close(i.abandoned)
		}
	}
}

func (i *interrupts) release() {
	close(i.quit)
	i.done.Wait()
	i.cancel()
}

type interruptsKey struct{}

func withInterrupts(i *interrupts) context.Context {
	return context.WithValue(i.ctx, interruptsKey{}, i)
}

// interruptsOf returns the interrupts of the command line that ctx belongs to.
func interruptsOf(ctx context.Context) *interrupts {
	return ctx.Value(interruptsKey{}).(*interrupts)
}

// endAtOnce returns a context that the first interrupt cancels. release must be called.
func endAtOnce(ctx context.Context) (_ context.Context, release func()) {
	short, cancel := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		select {
		case <-interruptsOf(ctx).first:
			cancel()
		case <-short.Done():
		}
	})
	return short, func() {
		cancel()
		watcher.Wait()
	}
}
