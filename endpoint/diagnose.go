package endpoint

// Diagnose says what is wrong with a connection and what to do about it.
func Diagnose(err error, uri string) error { return err }

// Scrub takes the secrets of a connection string out of a text.
func Scrub(text, uri string) string { return text }
