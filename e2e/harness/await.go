package harness

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is short because the conditions are cheap calls on loopback.
const pollEvery = 50 * time.Millisecond

// Patience bounds every wait. It is no measurement: it only turns a hang into an error that says what was awaited.
const Patience = 90 * time.Second

// Await polls until done says true. While it says false, its error is the reason that a time-out reports.
// The third way out is a Fatal error: then waiting on is pointless.
func Await(ctx context.Context, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var err error
	for {
		ok, said := done(ctx)
		if ok {
			return nil
		}
		// What the deadline cut off says nothing of what was there.
		if ctx.Err() == nil || err == nil {
			err = said
		}
		if fatal, is := err.(Fatal); is {
			return fmt.Errorf("%s: %w", what, fatal.Err)
		}
		select {
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s: not awaited any longer: %w", what, ctx.Err())
			}
			return fmt.Errorf("%s: not seen within %s; last answer: %v", what, Patience, err)
		case <-tick.C:
		}
	}
}

// Fatal ends an Await at once.
type Fatal struct{ Err error }

func (f Fatal) Error() string { return f.Err.Error() }
