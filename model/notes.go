package model

// note is a sentence, the engines it may be said of, and the work that it does not go with.
type note struct {
	text    string
	engines engine
	unless  uint8 // group
}

// requests are what the customer said.
var requests = [...]note{
	{"Customer asks to be called before any work beyond the order is begun.", anyEngine, groupNone},
	{"Customer waits in the lounge and needs the car back the same day.", anyEngine, groupNone},
	{"Customer leaves the key in the night box and collects it after closing time.", anyEngine, groupNone},
	{"Customer reports a rattling noise from the rear when driving over speed bumps.", anyEngine, groupNone},
	{"Customer reports a faint vibration in the steering wheel at motorway speed.", anyEngine, groupNone},
	{"Customer reports that the parking camera shows a blurred picture in rain.", anyEngine, groupNone},
	{"Customer reports condensation in the left rear lamp after washing.", anyEngine, groupNone},
	{"Customer finds that the car pulls slightly to the right on a level road.", anyEngine, groupNone},
	{"Customer would like a replacement car of the same size during the visit.", anyEngine, groupNone},
	{"Customer reports a squeaking sound from the brakes on cold mornings.", anyEngine, groupNone},
	{"Customer reports hesitation when accelerating from low revolutions.", combustion, groupNone},
	{"Customer finds that fuel consumption has risen since the last service.", combustion, groupNone},
	{"Customer reports that the engine is hard to start below minus ten degrees.", diesel, groupNone},
	{"Customer reports that the range in winter is shorter than expected.", electric, groupNone},
	{"Customer reports that charging at home stops before the set level is reached.", plugIn | electric, groupNone},
	{"Customer asks for preconditioning to be shown and explained at delivery.", plugIn | electric, groupNone},
}

// findings are what the workshop saw before or while at work.
var findings = [...]note{
	{"Tread depth is 5 mm in front and 6 mm at the rear, even wear on all four tyres.", anyEngine, groupTyres},
	{"Stone chip in the windscreen outside the driver's field of view, to be watched.", anyEngine, groupGlass},
	{"Light corrosion on the rear brake discs, within tolerance, braked clean on the road test.", anyEngine, groupRearBrakes},
	{"Underbody inspected on the lift, no leaks and no damage to the rust protection.", anyEngine, groupRust},
	{"Fault memory holds two stored codes for the tail gate, both sporadic and without effect.", anyEngine, groupSoftware},
	{"Lower ball joint on the left shows slight play, to be measured again at the next visit.", anyEngine, groupSuspension},
	{"Wheel bolts are to be tightened again after 100 kilometres, customer to be informed.", anyEngine, groupNone},
	{"Scratches on the right front wheel and on the rear bumper were there at arrival, photographs taken.", anyEngine, groupNone},
	{"Slight oil mist around the intake pipe, normal for the mileage.", combustion, groupNone},
	{"Engine mount on the right shows early cracks, replacement is recommended within a year.", combustion, groupNone},
	{"Soot load of the particle filter is within the normal range for the driving pattern.", diesel, groupExhaust},
	{"High-voltage battery shows even cell voltages and a state of health above 90 per cent.", plugIn | electric, groupHighVoltage},
	{"Charging cable and socket inspected, contacts clean and without marks of heat.", plugIn | electric, groupCharging},
}

// advice is for the next visit.
var advice = [...]note{
	{"Recommended at the next visit: change of brake fluid and check of the handbrake.", anyEngine, groupBrakeFluid},
	{"Recommended at the next visit: wheel alignment and rotation of the tyres.", anyEngine, groupAlignment},
	{"Recommended at the next visit: new cabin filter and cleaning of the evaporator.", anyEngine, groupMaintenance},
	{"Winter wheels are in our tyre hotel, the next seasonal change can be booked on the web.", anyEngine, groupTyres},
	{"The customer has been offered a service agreement and will come back with an answer.", anyEngine, groupNone},
	{"The periodic inspection is due within six months, a time has been suggested to the customer.", anyEngine, groupInspection},
	{"Recommended at the next visit: change of transmission oil with regard to towing.", combustion, groupTransmission},
	{"Recommended at the next visit: check of the coolant in the high-voltage battery's circuit.", plugIn | electric, groupCooling},
}

// remark says how far the order is.
func (s Status) remark() string {
	switch s {
	case Completed:
		return "Work completed and road test carried out without remarks."
	case InProgress:
		return "The vehicle is in the workshop and work is under way."
	case Scheduled:
		return "The time is confirmed and a reminder goes out the day before."
	default:
		return "The time is wished for and awaits confirmation by the workshop."
	}
}

// remark says who pays.
func (w *warranty) remark() string {
	switch w.kind {
	case "factory":
		return "Factory warranty is valid; faults of manufacture are reported to Volvo Cars."
	case "extended":
		return "Extended warranty is valid; wear parts are paid for by the customer."
	case "battery":
		return "Only the high-voltage battery is still under warranty."
	default:
		return "The vehicle is out of warranty."
	}
}

// notes are the sentences that may be said of each engine.
type notes [len(engines)]struct{ requests, findings, advice []note }

func newNotes() notes {
	var all notes
	for e, engine := range engines {
		all[e].requests = notesFor(engine, requests[:])
		all[e].findings = notesFor(engine, findings[:])
		all[e].advice = notesFor(engine, advice[:])
	}
	return all
}

func notesFor(e engine, from []note) []note {
	var notes []note
	for _, n := range from {
		if n.engines&e != 0 {
			notes = append(notes, n)
		}
	}
	return notes
}

// appendNotes writes what the customer said, how far the order is, what the workshop found (once it has the
// vehicle), what it advises (once it is done) and who pays.
func (g *Generator) appendNotes(dst []byte, e engine, status Status, done groupSet, w *warranty, draw *stream) []byte {
	say := &g.notes[e.index()]
	pick := func(from []note) {
		at := draw.below(len(from))
		for done.has(from[at].unless) {
			at = (at + 1) % len(from)
		}
		dst = append(dst, from[at].text...)
		dst = append(dst, ' ')
	}
	dst, text := openString(dst, "notes")
	pick(say.requests)
	if status == Completed || status == InProgress {
		pick(say.findings)
	}
	if status == Completed && draw.percent(30) {
		pick(say.advice)
	}
	dst = append(dst, status.remark()...)
	dst = append(dst, ' ')
	return closeString(append(dst, w.remark()...), text)
}
