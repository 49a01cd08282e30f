package model

import "strings"

var firstNames = [...]string{
	"Anna", "Eva", "Maria", "Karin", "Sara", "Lena", "Emma", "Kerstin", "Ingrid", "Marie", "Malin", "Jenny",
	"Hanna", "Annika", "Linda", "Susanne", "Elin", "Monica", "Birgitta", "Johanna", "Ida", "Sofia", "Åsa",
	"Ulla", "Julia", "Camilla", "Helena", "Frida", "Alice", "Ebba", "Matilda", "Klara", "Elsa", "Märta",
	"Fatima", "Leila", "Amira", "Petra", "Gunilla", "Lovisa", "Lars", "Mikael", "Anders", "Johan", "Erik",
	"Per", "Karl", "Peter", "Thomas", "Jan", "Daniel", "Fredrik", "Andreas", "Hans", "Stefan", "Mohammed",
	"Magnus", "Mats", "Jonas", "Bengt", "Björn", "Marcus", "Niklas", "Emil", "Oskar", "Viktor", "Alexander",
	"Filip", "Gustav", "Axel", "Ahmed", "Håkan", "Göran", "Kjell", "Rolf", "Leif", "Elias", "Hugo", "Sören",
	"Torbjörn",
}

var lastNames = [...]string{
	"Andersson", "Johansson", "Karlsson", "Nilsson", "Eriksson", "Larsson", "Olsson", "Persson", "Svensson",
	"Gustafsson", "Pettersson", "Jonsson", "Jansson", "Hansson", "Bengtsson", "Jönsson", "Lindberg",
	"Jakobsson", "Magnusson", "Lindström", "Olofsson", "Lindqvist", "Lindgren", "Berg", "Axelsson",
	"Bergström", "Lundberg", "Lind", "Lundgren", "Lundqvist", "Mattsson", "Berglund", "Fredriksson",
	"Sandberg", "Henriksson", "Ali", "Forsberg", "Mohamed", "Sjöberg", "Wallin", "Engström", "Eklund",
	"Danielsson", "Lundin", "Håkansson", "Björk", "Bergman", "Gunnarsson", "Wikström", "Holm", "Samuelsson",
	"Isaksson", "Fransson", "Bergqvist", "Nyström", "Holmberg", "Arvidsson", "Löfgren", "Söderberg", "Nyberg",
	"Blomqvist", "Claesson", "Nordström", "Mårtensson", "Hassan", "Lundström", "Viklund", "Björklund",
	"Eliasson", "Pålsson", "Berggren", "Sandström", "Lund", "Nordin", "Falk", "Ström", "Åberg", "Hermansson",
	"Ekström", "Holmgren", "Hellström", "Dahlberg", "Hedlund", "Sundberg", "Sjögren", "Ek", "Blom", "Öberg",
	"Strömberg", "Åkesson", "Hansen", "Norberg", "Månsson", "Abrahamsson", "Dahl", "Lindholm",
}

var streets = [...]string{
	"Storgatan", "Kungsgatan", "Drottninggatan", "Vasagatan", "Skolgatan", "Kyrkogatan", "Järnvägsgatan",
	"Nygatan", "Trädgårdsgatan", "Skogsvägen", "Ringvägen", "Björkvägen", "Granvägen", "Tallvägen", "Ängsvägen",
	"Parkvägen", "Backvägen", "Strandvägen", "Sjövägen", "Åkervägen", "Lindvägen", "Rönnvägen", "Aspvägen",
	"Hantverkargatan", "Sveavägen", "Östra Ågatan", "Norra Hamngatan", "Södra Vägen", "Västra Esplanaden",
	"Linnégatan", "Bergsgatan", "Fabriksgatan", "Smedjegatan", "Prästgatan", "Hagavägen", "Solvägen",
	"Dalgatan", "Kvarngatan", "Brogatan", "Slottsgatan", "Lasarettsgatan", "Majorsgatan", "Villagatan",
	"Idrottsvägen", "Mellangatan", "Köpmangatan", "Tegelbruksvägen", "Gamla Landsvägen", "Fjällgatan",
	"Odengatan",
}

var industrialStreets = [...]string{
	"Industrigatan", "Verkstadsgatan", "Maskingatan", "Fabriksvägen", "Godsvägen", "Terminalgatan",
	"Depågatan", "Kontorsvägen", "Traktorvägen", "Lagergatan", "Fordonsgatan", "Elektravägen",
}

var trades = [...]string{
	"Bygg", "Måleri", "Elteknik", "VVS", "Åkeri", "Fastigheter", "Redovisning", "Konsult", "Arkitekter", "Plåt",
	"Trädgård", "Snickeri", "Städservice", "Ventilation", "Golv", "Livsmedel", "Logistik", "Tandvård",
}

var fleetNames = [...]string{
	"Taxi", "Hyrbilar", "Bilpoolen", "Hemtjänsten", "Budbilarna", "Vagnpark", "Företagsleasing", "Färdtjänsten",
}

// name is a name and how it stands in a mail address.
type name struct{ text, fold string }

func newNames(texts []string) []name {
	names := make([]name, len(texts))
	for n, text := range texts {
		names[n] = name{text, fold(text)}
	}
	return names
}

// fold makes a mail address's part of a name: lower case, without diacritics, words joined by a dash.
func fold(text string) string {
	return strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "é", "e", " ", "-").Replace(strings.ToLower(text))
}
