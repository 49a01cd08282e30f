package model

// service is work that a centre offers for some engines. Of one group an order has one service at most.
type service struct {
	kind        string
	description string
	engines     engine
	group       uint8 // below 64
	hours       int   // of labour for one unit, in tenths
	price       int   // of the parts for one unit in 2015, öre without VAT
	low, high   int   // quantity
	parts       []part
}

// part is what a service uses. Its number is that of the classic platform; others have their own, see partNumber.
type part struct {
	name    string
	number  int
	engines engine
}

const (
	groupNone = iota // of no service
	groupMaintenance
	groupFrontBrakes
	groupRearBrakes
	groupBrakeFluid
	groupTyres
	groupAlignment
	groupWipers
	groupClimate
	groupBattery
	groupIgnition
	groupTiming
	groupFuel
	groupCooling
	groupTransmission
	groupSuspension
	groupWheelBearing
	groupExhaust
	groupInjection
	groupGlow
	groupHighVoltage
	groupCharging
	groupSoftware
	groupInspection
	groupLights
	groupGlass
	groupKey
	groupRust
	groupLocks
)

var catalogue = [...]service{
	{"annual_service", "Annual service by the manufacturer's programme: fluids, filters and a check of 42 points", combustion, groupMaintenance, 16, 128_500, 1, 1, []part{
		{"Engine oil 0W-20 5 l", 31492001, petrolled}, {"Engine oil 0W-30 6 l", 31492002, diesel},
		{"Oil filter", 31372212, combustion}, {"Cabin filter", 31390880, anyEngine}, {"Drain plug gasket", 31339022, combustion}}},
	{"annual_service", "Annual service by the manufacturer's programme: cabin filter, fluid levels, high-voltage check", electric, groupMaintenance, 11, 64_500, 1, 1, []part{
		{"Cabin filter", 31390880, anyEngine}, {"Washer fluid 4 l", 31375101, anyEngine}}},
	{"oil_change", "Change of engine oil and oil filter, reset of the service reminder", combustion, groupMaintenance, 6, 94_900, 1, 1, []part{
		{"Engine oil 0W-20 5 l", 31492001, petrolled}, {"Engine oil 0W-30 6 l", 31492002, diesel},
		{"Oil filter", 31372212, combustion}, {"Drain plug gasket", 31339022, combustion}}},
	{"major_service", "Major service: as the annual service, with air filter and a road test with read-out of all control units", combustion, groupMaintenance, 24, 214_000, 1, 1, []part{
		{"Engine oil 0W-20 5 l", 31492001, petrolled}, {"Engine oil 0W-30 6 l", 31492002, diesel}, {"Oil filter", 31372212, combustion},
		{"Air filter", 31370161, combustion}, {"Cabin filter", 31390880, anyEngine}}},
	{"spark_plug_replacement", "Replacement of spark plugs, check of ignition coils", petrolled, groupIgnition, 2, 21_900, 4, 4, []part{
		{"Spark plug", 31437102, petrolled}}},
	{"glow_plug_replacement", "Replacement of glow plugs, reading of the preheating control", diesel, groupGlow, 4, 31_500, 4, 4, []part{
		{"Glow plug", 31392413, diesel}}},
	{"timing_belt_replacement", "Replacement of timing belt with tensioner and idler pulley", petrol | diesel, groupTiming, 32, 389_000, 1, 1, []part{
		{"Timing belt kit", 31359568, petrol | diesel}, {"Auxiliary belt", 31401344, petrol | diesel}}},
	{"fuel_filter_replacement", "Replacement of fuel filter and bleeding of the fuel system", diesel, groupFuel, 7, 78_400, 1, 1, []part{
		{"Fuel filter", 31342920, diesel}}},
	{"particle_filter_cleaning", "Forced regeneration and cleaning of the diesel particle filter", diesel, groupExhaust, 18, 112_000, 1, 1, []part{
		{"Particle filter cleaner", 31414552, diesel}, {"Differential pressure hose", 31405190, diesel}}},
	{"adblue_refill", "Refill of AdBlue and check of the dosing injector", diesel, groupInjection, 3, 27_900, 1, 2, []part{
		{"AdBlue 10 l", 31390601, diesel}}},
	{"exhaust_repair", "Replacement of rear silencer and clamps", combustion, groupExhaust, 12, 328_000, 1, 1, []part{
		{"Rear silencer", 31372341, combustion}, {"Exhaust clamp", 30680780, combustion}}},
	{"starter_battery_replacement", "Replacement and registration of the starter battery", combustion, groupBattery, 7, 198_000, 1, 1, []part{
		{"Battery AGM 80 Ah", 31652035, combustion}}},
	{"support_battery_replacement", "Replacement and registration of the 12 V support battery", electric, groupBattery, 8, 174_000, 1, 1, []part{
		{"Support battery 12 V", 32337090, electric}}},
	{"high_voltage_battery_check", "State of health of the high-voltage battery, insulation test and balance of the cells", plugIn | electric, groupHighVoltage, 14, 0, 1, 1, nil},
	{"battery_coolant_replacement", "Replacement of the high-voltage battery's coolant and bleeding of the circuit", plugIn | electric, groupCooling, 17, 118_000, 1, 1, []part{
		{"Coolant, low conductivity 5 l", 32214702, plugIn | electric}}},
	{"charging_port_repair", "Replacement of the charging socket's lock actuator and test with a wall box", plugIn | electric, groupCharging, 15, 289_500, 1, 1, []part{
		{"Charging socket lock actuator", 32296412, plugIn | electric}, {"Charging flap seal", 32244781, plugIn | electric}}},
	{"coolant_replacement", "Replacement of coolant, pressure test of the cooling system", petrol | diesel | mildHybrid, groupCooling, 13, 69_500, 1, 1, []part{
		{"Coolant concentrate 5 l", 31439721, combustion}, {"Thermostat gasket", 31331188, combustion}}},
	{"transmission_oil_change", "Change of oil in the automatic transmission, adaptation of the shift points", combustion, groupTransmission, 15, 246_000, 1, 1, []part{
		{"Transmission oil 4 l", 31256775, combustion}, {"Drain plug washer", 30735062, combustion}}},
	{"reduction_gear_oil_change", "Change of oil in the reduction gear of the drive unit", electric, groupTransmission, 9, 86_000, 1, 2, []part{
		{"Reduction gear oil 1 l", 32310044, electric}}},
	{"front_brake_pads", "Replacement of brake pads on the front axle, cleaning of the calipers", anyEngine, groupFrontBrakes, 11, 148_000, 1, 1, []part{
		{"Front brake pad set", 31423660, anyEngine}, {"Pad spring kit", 31400739, anyEngine}}},
	{"front_brake_discs", "Replacement of brake discs and pads on the front axle", anyEngine, groupFrontBrakes, 9, 186_000, 2, 2, []part{
		{"Front brake disc", 31471034, anyEngine}, {"Front brake pad set", 31423660, anyEngine}}},
	{"rear_brake_pads", "Replacement of brake pads on the rear axle, service mode of the parking brake", anyEngine, groupRearBrakes, 12, 119_000, 1, 1, []part{
		{"Rear brake pad set", 31445986, anyEngine}}},
	{"brake_fluid_change", "Change of brake fluid, bleeding of all circuits", anyEngine, groupBrakeFluid, 8, 27_500, 1, 1, []part{
		{"Brake fluid DOT 4 1 l", 31400233, anyEngine}}},
	{"tyre_change", "Seasonal change of wheels, tread depth measured, tightened to torque", anyEngine, groupTyres, 2, 0, 4, 4, nil},
	{"tyre_replacement", "New tyres, mounted and balanced, old ones taken care of", anyEngine, groupTyres, 3, 164_900, 4, 4, []part{
		{"Tyre 235/55 R18", 32137430, anyEngine}, {"Valve with pressure sensor", 31445272, anyEngine}}},
	{"wheel_alignment", "Four-wheel alignment with protocol, steering angle sensor calibrated", anyEngine, groupAlignment, 13, 0, 1, 1, nil},
	{"wiper_blade_replacement", "Replacement of wiper blades, aim of the washer jets", anyEngine, groupWipers, 2, 24_900, 1, 2, []part{
		{"Wiper blade", 31457726, anyEngine}}},
	{"climate_service", "Service of the air conditioning: evacuation, leak test, refill of refrigerant", anyEngine, groupClimate, 12, 79_000, 1, 1, []part{
		{"Refrigerant R1234yf", 31455701, anyEngine}, {"Compressor oil", 31455714, anyEngine}}},
	{"shock_absorber_replacement", "Replacement of shock absorbers, on both sides of the axle", anyEngine, groupSuspension, 14, 172_500, 2, 2, []part{
		{"Shock absorber", 31451855, anyEngine}, {"Spring seat", 31340324, anyEngine}}},
	{"control_arm_bushing", "Replacement of control arm bushings, joints checked for play", anyEngine, groupSuspension, 16, 67_800, 1, 2, []part{
		{"Control arm bushing", 31406633, anyEngine}}},
	{"wheel_bearing_replacement", "Replacement of wheel bearing and hub, speed sensor read", anyEngine, groupWheelBearing, 17, 198_500, 1, 2, []part{
		{"Wheel bearing with hub", 31340604, anyEngine}, {"Hub bolt", 30639804, anyEngine}}},
	{"software_update", "Update of all control units to the current software, fault codes read and cleared", anyEngine, groupSoftware, 9, 0, 1, 1, nil},
	{"pre_inspection", "Check before the periodic inspection: brakes, lights, tyres, steering and corrosion", anyEngine, groupInspection, 10, 0, 1, 1, nil},
	{"headlamp_repair", "Replacement of the headlamp's control module, beam adjusted", anyEngine, groupLights, 13, 346_000, 1, 1, []part{
		{"Headlamp control module", 31427592, anyEngine}}},
	{"windscreen_replacement", "Replacement of windscreen, camera of the driver support calibrated", anyEngine, groupGlass, 29, 658_000, 1, 1, []part{
		{"Windscreen, laminated", 31478011, anyEngine}, {"Windscreen adhesive kit", 31425166, anyEngine}}},
	{"key_battery_replacement", "Replacement of the battery in the remote key, range tested", anyEngine, groupKey, 1, 4_900, 1, 2, []part{
		{"Battery CR2032", 30659637, anyEngine}}},
	{"rust_protection", "Cleaning and renewed rust protection of underbody and cavities", anyEngine, groupRust, 38, 184_000, 1, 1, []part{
		{"Underbody wax", 31375842, anyEngine}, {"Cavity wax", 31375843, anyEngine}}},
	{"door_lock_repair", "Replacement of a door lock unit, function of the central locking tested", anyEngine, groupLocks, 15, 212_000, 1, 1, []part{
		{"Door lock unit", 31301758, anyEngine}}},
}
