package model

import "time"

// day is a date, in days since 1970.
type day int

// newYear is the first of January.
func newYear(year int) day { return newYears[year-firstYear] }

// newYears reach from the first model year to the end of the longest warranty.
var newYears = func() (days [modelYears + batteryYears]day) {
	for n := range days {
		days[n] = day(time.Date(firstYear+n, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
	}
	return days
}()

const secondsPerDay = 24 * 60 * 60

// yearsOn is how many years of rising prices have gone by.
func (d day) yearsOn() int { return int(d-firstOrder) / 365 }

// at is the moment of the day, in seconds since 1970.
func (d day) at(seconds int) int64 { return int64(d)*secondsPerDay + int64(seconds) }

// working is the day itself, or the Monday after a Saturday or Sunday.
func (d day) working() day {
	switch (d + 4) % 7 { // 1970 began on a Thursday
	case 6:
		return d + 2
	case 0:
		return d + 1
	}
	return d
}

const (
	firstOrder   day = 16_440 // 2015-01-05, no order is earlier
	snapshotDay  day = 20_423 // 2025-12-01, see Snapshot
	openFrom         = snapshotDay - 28
	lastFinished     = openFrom - 31 // orders after it would not be through before the open ones are made
)

// maxVisits is the most orders a vehicle has.
const maxVisits = 9

// calendar lays the visits of a vehicle out over the time it has: one visit in each stretch of gap days.
type calendar struct {
	start day
	gap   int
	open  Status // of the last visit
}

func newCalendar(draw *stream, registered day, visits int) calendar {
	earliest := max(registered+30, firstOrder)
	room := int(lastFinished - earliest)
	gap := min(draw.between(140, 430), room/visits)
	slack := room - gap*visits
	c := calendar{gap: gap, open: Completed}
	switch p := draw.below(100); {
	case p < 14:
		c.open = Scheduled
	case p < 23:
		c.open = Pending
	case p < 32:
		c.open = InProgress
	}
	if c.open == Completed {
		c.start = earliest + day(draw.below(slack+1))
	} else { // still a customer
		c.start = earliest + day(slack)
	}
	return c
}

// visit is when an order was made, carried out and closed. Moments are in seconds since 1970.
type visit struct {
	day                        day // of the service
	status                     Status
	ordered, service, finished int64 // finished only when completed
	created, updated           int64
}

// visit is the n-th of the vehicle, from 0; hours is its labour, in tenths of an hour. Orders of a vehicle do
// not overlap: a visit begins in the first half of its stretch, and is through within 19 days.
func (c *calendar) visit(n, visits, hours int, draw *stream) visit {
	v := visit{status: Completed}
	var made day
	if n == visits-1 {
		v.status = c.open
	}
	switch v.status {
	case Completed:
		made = c.start + day(n*c.gap+draw.below(c.gap/2))
		v.day = (made + day(draw.between(1, 10))).working()
	case InProgress:
		v.day = snapshotDay - day(draw.between(3, 5)) // the last three working days before the snapshot's Monday
		made = v.day - day(draw.between(1, 13))
	default:
		v.day = (snapshotDay + day(draw.between(1, 25))).working()
		made = snapshotDay - day(draw.between(1, 28))
	}
	v.ordered = made.at(draw.between(6*60, 20*60-1)*60 + draw.below(60))
	v.created = v.ordered + int64(draw.between(1, 45))
	start := draw.between(6*4, 10*4) * 15 * 60 // quarters of an hour, from 6:00 UTC
	v.service = v.day.at(start)
	switch v.status {
	case Completed:
		v.finished = finish(v.day, start, hours, draw)
		v.updated = v.finished + int64(draw.between(60, 5400))
	case InProgress:
		v.updated = v.service + int64(draw.between(300, 3*3600))
	default:
		v.updated = v.created + int64(draw.below(3*3600))
	}
	return v
}

// finish lets a job of up to four hours be ready the same day and a longer one on a later working day.
func finish(on day, start, hours int, draw *stream) int64 {
	if hours <= 40 {
		return on.at(start + hours*360 + draw.below(3600))
	}
	later := day(1 + (hours-41)/60)
	return (on + later).working().at(draw.between(9*60, 15*60) * 60)
}

// append writes the order's dates and its status.
func (v *visit) append(dst []byte) []byte {
	dst = appendDate(dst, "order_date", v.ordered)
	dst = appendDate(dst, "service_date", v.service)
	if v.status == Completed {
		dst = appendDate(dst, "completion_date", v.finished)
	} else {
		dst = appendNull(dst, "completion_date")
	}
	return appendString(dst, "status", string(v.status))
}
