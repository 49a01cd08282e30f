package model

// county is a Swedish län, which is what a customer's state and a centre's region are.
type county struct {
	letter  string // the official code
	name    string
	centres int // service centres there
	rate    int // of an hour's labour in 2015, öre without VAT
}

var counties = [...]county{
	{"AB", "Stockholm", 8, 129_500},
	{"C", "Uppsala", 3, 118_500},
	{"D", "Södermanland", 2, 112_000},
	{"E", "Östergötland", 3, 112_500},
	{"F", "Jönköping", 2, 109_500},
	{"G", "Kronoberg", 2, 108_500},
	{"H", "Kalmar", 2, 107_500},
	{"I", "Gotland", 1, 114_000},
	{"K", "Blekinge", 1, 106_500},
	{"M", "Skåne", 6, 119_500},
	{"N", "Halland", 2, 115_000},
	{"O", "Västra Götaland", 8, 121_500},
	{"S", "Värmland", 2, 106_000},
	{"T", "Örebro", 2, 110_500},
	{"U", "Västmanland", 2, 111_500},
	{"W", "Dalarna", 2, 107_000},
	{"X", "Gävleborg", 2, 106_500},
	{"Y", "Västernorrland", 2, 107_500},
	{"Z", "Jämtland", 1, 106_000},
	{"AC", "Västerbotten", 2, 108_000},
	{"BD", "Norrbotten", 2, 109_000},
}

// city is a town with its zip codes: all of the prefixes low to high are its own.
type city struct {
	name      string
	letter    string // of its county
	low, high int    // first three digits of its zip codes
	weight    int    // how many of the customers live there, relative to the others
}

var cities = [...]city{
	{"Stockholm", "AB", 111, 118, 60},
	{"Solna", "AB", 169, 171, 9},
	{"Täby", "AB", 183, 183, 8},
	{"Nacka", "AB", 131, 131, 9},
	{"Huddinge", "AB", 141, 141, 9},
	{"Sollentuna", "AB", 191, 192, 8},
	{"Södertälje", "AB", 151, 152, 8},
	{"Norrtälje", "AB", 761, 761, 5},
	{"Uppsala", "C", 752, 757, 18},
	{"Enköping", "C", 745, 745, 4},
	{"Eskilstuna", "D", 632, 633, 8},
	{"Nyköping", "D", 611, 611, 5},
	{"Katrineholm", "D", 641, 641, 4},
	{"Linköping", "E", 582, 587, 13},
	{"Norrköping", "E", 602, 603, 11},
	{"Motala", "E", 591, 591, 4},
	{"Jönköping", "F", 553, 556, 11},
	{"Värnamo", "F", 331, 331, 4},
	{"Växjö", "G", 352, 352, 8},
	{"Ljungby", "G", 341, 341, 3},
	{"Kalmar", "H", 392, 393, 6},
	{"Västervik", "H", 593, 593, 3},
	{"Oskarshamn", "H", 572, 572, 3},
	{"Visby", "I", 621, 621, 4},
	{"Karlskrona", "K", 371, 371, 6},
	{"Malmö", "M", 211, 218, 25},
	{"Helsingborg", "M", 252, 256, 12},
	{"Lund", "M", 222, 227, 10},
	{"Kristianstad", "M", 291, 291, 6},
	{"Trelleborg", "M", 231, 231, 4},
	{"Ängelholm", "M", 262, 262, 5},
	{"Landskrona", "M", 261, 261, 4},
	{"Halmstad", "N", 302, 305, 8},
	{"Varberg", "N", 432, 432, 5},
	{"Kungsbacka", "N", 434, 434, 6},
	{"Göteborg", "O", 411, 418, 45},
	{"Mölndal", "O", 431, 431, 7},
	{"Borås", "O", 503, 507, 9},
	{"Trollhättan", "O", 461, 461, 6},
	{"Uddevalla", "O", 451, 451, 5},
	{"Skövde", "O", 541, 541, 5},
	{"Lidköping", "O", 531, 531, 4},
	{"Karlstad", "S", 652, 656, 8},
	{"Arvika", "S", 671, 671, 3},
	{"Örebro", "T", 702, 703, 12},
	{"Västerås", "U", 721, 726, 13},
	{"Borlänge", "W", 781, 781, 5},
	{"Falun", "W", 791, 791, 5},
	{"Mora", "W", 792, 792, 3},
	{"Gävle", "X", 802, 806, 8},
	{"Sandviken", "X", 811, 811, 3},
	{"Hudiksvall", "X", 824, 824, 3},
	{"Sundsvall", "Y", 852, 857, 7},
	{"Örnsköldsvik", "Y", 891, 891, 4},
	{"Härnösand", "Y", 871, 871, 3},
	{"Östersund", "Z", 831, 831, 6},
	{"Umeå", "AC", 903, 907, 9},
	{"Skellefteå", "AC", 931, 931, 5},
	{"Luleå", "BD", 972, 976, 7},
	{"Piteå", "BD", 941, 941, 4},
	{"Kiruna", "BD", 981, 981, 3},
}

// town is a city made ready for the generator.
type town struct {
	*city
	county *county
	fold   string // the name as it can stand in a mail address
}

// newTowns repeats each town as often as its weight, so that a plain draw is a weighted one.
func newTowns() []town {
	var towns []town
	for n := range cities {
		c := &cities[n]
		t := town{city: c, county: countyOf(c.letter), fold: fold(c.name)}
		for range c.weight {
			towns = append(towns, t)
		}
	}
	return towns
}

func countyOf(letter string) *county {
	for n := range counties {
		if counties[n].letter == letter {
			return &counties[n]
		}
	}
	panic("model: no county has the letter " + letter)
}
